//! What clients of the reference send.

use guestlist_contract::{exports::invitations::InviteRequest, types::State};
use guestlist_rest::{Invite, Named as _};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// The property that decides who sends e-mails.
const INTERNALLY: &str = "manageNotificationsInternally";

fn not_json() -> Problem {
    Problem::invalid("Provided request body content is not in the expected format.")
}

fn text(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|_| not_json())
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_str(text(body)?) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(not_json()),
    }
}

/// A request to invite.
pub struct Asked {
    /// The names, as they were written.
    pub names: Vec<String>,
    request: Invite,
}

impl Asked {
    /// Reads a request.
    ///
    /// # Errors
    /// It is not understood; the text says where.
    pub fn read(body: &[u8], wso2: bool) -> Result<Self, Problem> {
        let mut fields = object(body)?;
        if fields.get("usernames").is_some_and(Value::is_null) {
            return Err(Problem::invalid("Property usernames cannot be null."));
        }
        if fields.get("template").is_some_and(|template| !template.is_null()) {
            return Err(Problem::invalid(
                "This server has no templates to choose from: leave `template` out.",
            ));
        }
        // Who leaves them out names nobody, and is told so as that.
        fields.entry("usernames").or_insert_with(|| Value::Array(Vec::new()));
        if wso2 && let Some(Value::Array(pairs)) = fields.get_mut("properties") {
            lenient(pairs);
        }
        let names = match fields.get("usernames") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let request = Invite::read(&Value::Object(fields).to_string())
            .map_err(|error| Problem::invalid(error.to_string()))?;
        Ok(Self { names, request })
    }

    /// The request of the contract.
    ///
    /// # Errors
    /// A value that no field can have.
    pub fn into_request(self) -> Result<InviteRequest, Problem> {
        self.request.into_request().map_err(|error| Problem::invalid(error.to_string()))
    }
}

/// Does with properties what the reference does: of two with one key the last counts, and whatever is not `true`
/// is `false`.
fn lenient(pairs: &mut Vec<Value>) {
    let key = |pair: &Value| pair.get("key").and_then(Value::as_str).map(str::to_owned);
    let mut seen = Vec::new();
    pairs.reverse();
    pairs.retain(|pair| {
        let key = key(pair);
        let first = key.is_none() || !seen.contains(&key);
        seen.push(key);
        first
    });
    pairs.reverse();
    for pair in pairs.iter_mut().filter(|pair| key(pair).as_deref() == Some(INTERNALLY)) {
        let is_true =
            pair.get("value").and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        if let Some(value) = pair.get_mut("value") {
            *value = Value::from(if is_true { "true" } else { "false" });
        }
    }
}

/// A code.
pub struct Confirmation {
    /// As it was given.
    pub code: String,
}

impl Confirmation {
    /// Reads a request.
    ///
    /// # Errors
    /// It is not understood, or has no code.
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        match object(body)?.remove("confirmationCode") {
            Some(Value::String(code)) => Ok(Self { code }),
            None | Some(Value::Null) => Err(Problem::invalid("Property confirmationCode cannot be null.")),
            Some(_) => Err(not_json()),
        }
    }
}

/// The filter of a list.
pub struct Listing {
    /// The states that are asked for.
    pub states: Vec<State>,
}

impl Listing {
    /// Reads a query.
    ///
    /// # Errors
    /// Paging or sorting, which the reference's list does not have, or a filter that is not understood.
    pub fn read(query: &str, wso2: bool) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let unsupported = |code: &str, what: &str| {
            Err(Problem {
                code: code.into(),
                title: "Unsupported param.".into(),
                ..Problem::invalid(format!("{what} param is not supported yet."))
            })
        };
        if value("limit").is_some() {
            return unsupported("OUI-60004", "Limit");
        }
        if value("offset").is_some() {
            return unsupported("OUI-60005", "Offset");
        }
        if value("sortOrder").is_some_and(|text| !text.trim().is_empty()) {
            return unsupported("OUI-60006", "Sort order");
        }
        if value("sortBy").is_some_and(|text| !text.trim().is_empty()) {
            return unsupported("OUI-60007", if wso2 { "Sort order" } else { "Sort by" });
        }
        let both = || Self { states: vec![State::Pending, State::Expired] };
        let Some(filter) = value("filter").filter(|text| !text.trim().is_empty()) else { return Ok(both()) };
        let invalid = || {
            let detail = format!(
                "Provided filter {filter} is not valid: say `status eq PENDING` or `status eq EXPIRED`."
            );
            Problem { code: "OUI-60009".into(), title: "Invalid filter.".into(), ..Problem::invalid(detail) }
        };
        let words: Vec<&str> = filter.split(' ').collect();
        let (attribute, state) = match words.as_slice() {
            [attribute, "eq", state] => (*attribute, *state),
            _ => return Err(invalid()),
        };
        let state = match state {
            "PENDING" => State::Pending,
            "EXPIRED" => State::Expired,
            _ => return Err(invalid()),
        };
        match attribute {
            "status" => Ok(Self { states: vec![state] }),
            // The reference takes whatever ends so for its attribute, and then forgets the filter.
            other if wso2 && other.ends_with("status") => Ok(both()),
            _ => Err(invalid()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use guestlist_contract::types::Notify;

    fn filtered(filter: &str, wso2: bool) -> Result<Vec<State>, String> {
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
        Listing::read(&query, wso2).map(|listing| listing.states).map_err(|problem| problem.code)
    }

    #[test]
    fn a_filter_is_one_attribute_and_one_state() {
        for wso2 in [false, true] {
            assert_eq!(filtered("status eq PENDING", wso2), Ok(vec![State::Pending]));
            assert_eq!(filtered("status eq EXPIRED", wso2), Ok(vec![State::Expired]));
            assert_eq!(filtered(" ", wso2), Ok(vec![State::Pending, State::Expired]));
            for wrong in [
                "status eq pending",
                "status eq PENDING ",
                "status ne PENDING",
                "foo status eq PENDING",
                "PENDING",
            ] {
                assert_eq!(filtered(wrong, wso2), Err("OUI-60009".into()), "{wrong}");
            }
        }
        assert_eq!(filtered("xstatus eq PENDING", false), Err("OUI-60009".into()));
        assert_eq!(filtered("xstatus eq PENDING", true), Ok(vec![State::Pending, State::Expired]));
    }

    #[test]
    fn pages_and_order_are_refused_in_the_references_order() {
        let code =
            |query: &str, wso2| Listing::read(query, wso2).map(|_| ()).map_err(|no| (no.code, no.detail));
        assert_eq!(code("sortBy=x&limit=0", false).unwrap_err().0, "OUI-60004");
        assert_eq!(code("offset=", false).unwrap_err().0, "OUI-60005");
        assert_eq!(code("sortBy=&sortOrder=", false), Ok(()));
        assert!(code("sortBy=x", true).unwrap_err().1.starts_with("Sort order"), "the reference's text");
        assert!(code("sortBy=x", false).unwrap_err().1.starts_with("Sort by"));
    }

    #[test]
    fn of_two_properties_with_one_key_the_last_counts_only_where_the_reference_is_asked_for() {
        let body = br#"{"usernames":["a"],"properties":[{"key":"manageNotificationsInternally","value":"true"},
            {"key":"manageNotificationsInternally","value":"no"},{"key":"t","value":"1"},{"key":"t","value":"2"}]}"#;
        let request = Asked::read(body, true).unwrap().into_request().unwrap();
        assert_eq!(request.notify, Some(Notify::External));
        assert_eq!(request.metadata.len(), 1);
        assert!(Asked::read(body, false).unwrap().into_request().is_err());
    }

    #[test]
    fn who_names_nobody_is_told_how() {
        for (body, words) in [
            (r#"{"usernames":null}"#, "Property usernames cannot be null."),
            ("[]", "not in the expected format"),
            (r#"{"usernames":["a"],"group":[]}"#, "unknown field `group`"),
            (r#"{"usernames":["a"],"template":"x"}"#, "no templates"),
        ] {
            let problem = Asked::read(body.as_bytes(), false).err().unwrap();
            assert!(problem.detail.contains(words) && problem.code == "UE-10000", "{}", problem.detail);
        }
        assert!(Asked::read(b"{}", false).unwrap().names.is_empty());
        assert!(Confirmation::read(b"{}").err().unwrap().detail.contains("confirmationCode"));
    }
}

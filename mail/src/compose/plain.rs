//! The part without markup.

use super::content::{Content, plain};

/// Paragraphs with an empty line between them; the link is alone on its line.
pub(super) fn render(content: &Content) -> String {
    let mut paragraphs = vec![content.body.plain.clone()];
    let mut facts = Vec::new();
    for ((label, names), more) in content.lists.iter().zip(&content.more) {
        let names = names.iter().map(|name| plain(name)).chain(more.clone()).collect::<Vec<_>>();
        facts.push(format!("{label}: {}", names.join(", ")));
    }
    facts.extend(content.valid_until.iter().map(|(label, moment)| format!("{label}: {moment}")));
    facts.extend(content.reason.iter().map(|(label, reason)| format!("{label}: {}", plain(reason))));
    if !facts.is_empty() {
        paragraphs.push(facts.join("\n"));
    }
    paragraphs.extend(content.link.iter().map(|(button, link, _)| format!("{button}:\n{link}")));
    paragraphs.extend(content.how.clone());
    paragraphs.extend(content.ignore.clone());
    paragraphs.push(format!("-- \n{} {}", content.why.plain, content.no_reply));
    paragraphs.extend(content.support.clone());
    paragraphs.join("\n\n") + "\n"
}

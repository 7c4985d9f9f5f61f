//! A field of a form.

/// A line that somebody fills in, with its label, and what is wrong beside it.
pub struct Field {
    /// Its name in the form.
    pub name: &'static str,
    /// What it is for.
    pub label: String,
    /// The kind of input, as `text`.
    pub kind: &'static str,
    /// What a browser may fill in by itself.
    pub autocomplete: &'static str,
    /// What stands in it. Passwords are never sent back.
    pub value: String,
    /// What it takes; empty where the label says it.
    pub hint: String,
    /// What is wrong with it; empty where nothing is.
    pub error: String,
}

impl Field {
    /// An empty line of text.
    pub fn text(name: &'static str, label: String, autocomplete: &'static str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            autocomplete,
            value: String::new(),
            hint: String::new(),
            error: String::new(),
        }
    }

    /// An empty line that hides what is typed.
    pub fn password(name: &'static str, label: String, autocomplete: &'static str) -> Self {
        Self { kind: "password", ..Self::text(name, label, autocomplete) }
    }

    /// The ids of what describes it.
    pub fn described_by(&self) -> String {
        let mut ids = Vec::new();
        for (text, what) in [(&self.error, "error"), (&self.hint, "hint")] {
            if !text.is_empty() {
                ids.push(format!("{}-{what}", self.name));
            }
        }
        ids.join(" ")
    }
}

//! The part in HTML.

use super::content::{Content, html};
use crate::{Language, names::escaped};

/// One column in the reader's own colours. Styles stand at the elements, because mail programs drop the rest.
pub(super) fn render(content: &Content, language: Language) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\n\
         <meta name=\"format-detection\" content=\"telephone=no, date=no, address=no, email=no, url=no\">\n\
         <title>{}</title>\n</head>\n\
         <body style=\"margin: 0; padding: 24px 16px; color-scheme: light dark; \
         font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif\">\n\
         <div style=\"max-width: 560px; margin: 0 auto; overflow-wrap: anywhere\">\n\
         <h1 style=\"margin: 0 0 16px; font-size: 22px; line-height: 1.3\">{}</h1>\n",
        language.tag(),
        escaped(&content.subject.plain),
        content.subject.html,
    );
    let mut paragraph = |text: &str| page.push_str(&format!("<p style=\"margin: 0 0 16px\">{text}</p>\n"));
    paragraph(&content.body.html);
    for ((label, names), more) in content.lists.iter().zip(&content.more) {
        let names =
            names.iter().map(|name| html(name)).chain(more.as_deref().map(escaped)).collect::<Vec<_>>();
        paragraph(&format!("<strong>{}:</strong> {}", escaped(label), names.join(", ")));
    }
    if let Some((label, moment)) = &content.valid_until {
        paragraph(&format!("<strong>{}:</strong> {}", escaped(label), escaped(moment)));
    }
    if let Some((label, reason)) = &content.reason {
        paragraph(&format!("<strong>{}:</strong> {}", escaped(label), html(reason)));
    }
    if let Some((button, link, copy)) = &content.link {
        let link = escaped(link);
        page.push_str(&format!(
            "<p style=\"margin: 24px 0\"><a href=\"{link}\" style=\"display: inline-block; padding: 12px 24px; \
             border-radius: 6px; background-color: #1d4ed8; color: #ffffff; font-weight: 600; \
             text-decoration: none\">{}</a></p>\n\
             <p style=\"margin: 0 0 16px; font-size: 14px\">{}<br>\n\
             <a href=\"{link}\" style=\"color: inherit; word-break: break-all\">{link}</a></p>\n",
            escaped(button),
            escaped(copy),
        ));
    }
    for text in [&content.how, &content.ignore].into_iter().flatten() {
        page.push_str(&format!("<p style=\"margin: 0 0 16px\">{}</p>\n", escaped(text)));
    }
    page.push_str(&format!(
        "<p style=\"margin: 32px 0 0; padding-top: 16px; border-top: 1px solid #808080; font-size: 14px\">{} {}{}</p>\n\
         </div>\n</body>\n</html>\n",
        content.why.html,
        escaped(&content.no_reply),
        content.support.as_deref().map(|support| format!("<br>\n{}", escaped(support))).unwrap_or_default(),
    ));
    page
}

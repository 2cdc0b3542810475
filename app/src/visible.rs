//! What strangers wrote, as text: control and direction characters are shown, never obeyed. Also in the browser.

/// Control and bidirectional characters become a visible mark; line breaks and tabs stay.
pub fn visible(text: &str) -> String {
    let hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn characters_that_command_are_shown() {
        assert_eq!(visible("a\u{1b}[31m\u{202e}b\nc"), "a\u{fffd}[31m\u{fffd}b\nc");
    }
}

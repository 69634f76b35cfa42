//! Facts about who looked, as one text holds them: `input=416;nms=0.45;ellipse`.

use std::fmt;

/// One fact: a value, and mostly its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact<'a> {
    pub name: Option<&'a str>,
    pub value: &'a str,
}

/// The facts of a text that joins them by semicolons; empty ones are left out.
pub fn facts_of(text: &str) -> impl Iterator<Item = Fact<'_>> {
    text.split(';').filter(|part| !part.is_empty()).map(|part| match part.split_once('=') {
        Some((name, value)) => Fact { name: Some(name), value },
        None => Fact { name: None, value: part },
    })
}

/// As it stands in the text.
impl fmt::Display for Fact<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(formatter, "{name}={}", self.value),
            None => formatter.write_str(self.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_in_order_and_written_as_they_were() {
        let text = "edit-metrics-1;lpips=-;url=a=b;=x";
        let facts: Vec<Fact<'_>> = facts_of(text).collect();
        assert_eq!(facts[0], Fact { name: None, value: "edit-metrics-1" });
        assert_eq!(facts[1], Fact { name: Some("lpips"), value: "-" });
        assert_eq!(facts[2], Fact { name: Some("url"), value: "a=b" });
        let written: Vec<String> = facts.iter().map(Fact::to_string).collect();
        assert_eq!(written.join(";"), text);
    }

    #[test]
    fn a_text_without_facts_has_none() {
        assert_eq!(facts_of("").count(), 0);
        assert_eq!(facts_of("a=1;;").count(), 1);
    }
}

//! File names that carry a prompt index, and perhaps a sample number.

/// A pattern such as `{index}_{sample}.png` or `run1/{index}/{sample}`. Each placeholder stands for digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameTemplate {
    parts: Vec<Part>,
    has_extension: bool,
    depth: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Index,
    Sample,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("the template `{template}` must be relative to the given folder and contain no `*`")]
    NotRelative { template: String },
    #[error("the template `{template}` has no {{index}}")]
    NoIndex { template: String },
    #[error("the template `{template}` contains {{{name}}} twice")]
    Repeated { template: String, name: &'static str },
    #[error("the template `{template}` has an unknown placeholder; only {{index}} and {{sample}} exist")]
    UnknownPlaceholder { template: String },
    #[error("the template `{template}` needs text between its placeholders to separate their digits")]
    RunTogether { template: String },
}

impl NameTemplate {
    /// # Errors
    /// If the template cannot tell index and sample for certain.
    pub fn new(template: &str) -> Result<Self, TemplateError> {
        let template = template.trim_start_matches("./");
        let fail = |make: fn(String) -> TemplateError| Err(make(template.to_owned()));
        if template.starts_with('/') || template.contains(['*', '?']) {
            return fail(|template| TemplateError::NotRelative { template });
        }
        let mut parts = Vec::new();
        let mut rest = template;
        while !rest.is_empty() {
            let (part, length) = if rest.starts_with("{index}") {
                (Part::Index, "{index}".len())
            } else if rest.starts_with("{sample}") {
                (Part::Sample, "{sample}".len())
            } else if rest.starts_with(['{', '}']) {
                return fail(|template| TemplateError::UnknownPlaceholder { template });
            } else {
                let length = rest.find(['{', '}']).unwrap_or(rest.len());
                (Part::Literal(rest[..length].to_owned()), length)
            };
            parts.push(part);
            rest = &rest[length..];
        }
        let count = |wanted: &Part| parts.iter().filter(|part| *part == wanted).count();
        if count(&Part::Index) == 0 {
            return fail(|template| TemplateError::NoIndex { template });
        }
        if count(&Part::Index) > 1 {
            return fail(|template| TemplateError::Repeated { template, name: "index" });
        }
        if count(&Part::Sample) > 1 {
            return fail(|template| TemplateError::Repeated { template, name: "sample" });
        }
        let is_placeholder = |part: &Part| !matches!(part, Part::Literal(_));
        if parts.windows(2).any(|pair| pair.iter().all(is_placeholder)) {
            return fail(|template| TemplateError::RunTogether { template });
        }
        let file_name = template.rsplit('/').next().unwrap_or_default();
        let depth = template.matches('/').count();
        Ok(Self { parts, has_extension: file_name.contains('.'), depth })
    }

    /// How many folders below the root the named files lie.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Index and sample number (0 where the template has none) of a path with `/` between its parts, of which the
    /// last `depth + 1` are looked at.
    #[must_use]
    pub fn parse(&self, path: &str) -> Option<(u64, u32)> {
        let levels: Vec<&str> = path.split('/').collect();
        let name = levels[levels.len().checked_sub(self.depth + 1)?..].join("/");
        let mut rest = if self.has_extension { name.as_str() } else { without_extension(&name) };
        let (mut index, mut sample) = (None, 0);
        for part in &self.parts {
            match part {
                Part::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Part::Index => (index, rest) = split_number(rest).map(|(n, rest)| (Some(n), rest))?,
                Part::Sample => {
                    let (number, after) = split_number(rest)?;
                    (sample, rest) = (u32::try_from(number).ok()?, after);
                }
            }
        }
        rest.is_empty().then_some(index?).map(|index| (index, sample))
    }

    /// Reads a name by the usual forms: `52`, `52_1` or `52-1`, with any extension and leading zeros.
    #[must_use]
    pub fn parse_plain(path: &str) -> Option<(u64, u32)> {
        let name = path.rsplit('/').next().unwrap_or_default();
        let (index, rest) = split_number(without_extension(name))?;
        if rest.is_empty() {
            return Some((index, 0));
        }
        let (sample, rest) = split_number(rest.strip_prefix(['_', '-'])?)?;
        rest.is_empty().then_some((index, u32::try_from(sample).ok()?))
    }
}

fn without_extension(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The digits at the start of `text` as a number, and what follows them.
fn split_number(text: &str) -> Option<(u64, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..length].parse().ok()?, &text[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, path: &str, expected: Option<(u64, u32)>) {
        assert_eq!(NameTemplate::new(template).unwrap().parse(path), expected, "{template} on {path}");
    }

    #[test]
    fn templates_read_names() {
        check("{index}_{sample}.png", "00052_3.png", Some((52, 3)));
        check("{index}_{sample}.png", "00052_3.jpg", None);
        check("{index}", "7.webp", Some((7, 0)));
        check("img-s{sample}-p{index}", "img-s2-p0100.jpg", Some((100, 2)));
        check("{index}/{sample}", "out/00003/0001.png", Some((3, 1)));
        check("{index}/{sample}", "0001.png", None);
        check("./{index}", "52.png", Some((52, 0)));
        check("{index}", "52_1.png", None);
        check("{index}", "99999999999999999999999.png", None);
    }

    #[test]
    fn plain_names_need_no_template() {
        assert_eq!(NameTemplate::parse_plain("00052.png"), Some((52, 0)));
        assert_eq!(NameTemplate::parse_plain("52_1.jpg"), Some((52, 1)));
        assert_eq!(NameTemplate::parse_plain("52-0003.webp"), Some((52, 3)));
        assert_eq!(NameTemplate::parse_plain("cat.png"), None);
        assert_eq!(NameTemplate::parse_plain("52_cat.png"), None);
        assert_eq!(NameTemplate::parse_plain("52.1.png"), None);
    }

    #[test]
    fn ambiguous_templates_are_refused() {
        for template in [
            "",
            "{sample}.png",
            "{index}{sample}",
            "{index}_{index}",
            "{index}_{seed}",
            "{index",
            "/{index}",
            "*/{index}",
        ] {
            assert!(NameTemplate::new(template).is_err(), "{template}");
        }
    }
}

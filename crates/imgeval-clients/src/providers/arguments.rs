//! Command lines as users write them: split by the quoting rules of POSIX shells, but never passed to a shell. The
//! value of a prompt or a path is inserted inside its argument, so that no prompt becomes several arguments or a
//! second command.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::Path,
};

use imgeval_core::visible;

/// A command line that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the command line `{}` {problem}", visible(command_line))]
pub struct CommandLineError {
    pub command_line: String,
    pub problem: CommandLineProblem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLineProblem {
    Empty,
    Unbalanced,
    Unknown(String),
    Missing(&'static str),
    InsideArgument,
    InProgram,
    HalfASize,
    /// A long-lived command takes everything from its input.
    Placeholder(&'static str),
}

impl fmt::Display for CommandLineProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("names no program"),
            Self::Unbalanced => formatter.write_str("has an unclosed quote"),
            Self::Unknown(name) => write!(formatter, "has the unknown placeholder {{{}}}", visible(name)),
            Self::Missing(name) => write!(formatter, "lacks {{{name}}}"),
            Self::InsideArgument => {
                formatter.write_str("has {inputs} inside an argument; it must be an argument of its own")
            }
            Self::InProgram => formatter.write_str("has a placeholder in the program's name"),
            Self::HalfASize => formatter.write_str("has only one of {width} and {height}"),
            Self::Placeholder(name) => {
                write!(
                    formatter,
                    "has {{{name}}}, but such a command receives everything on its standard input"
                )
            }
        }
    }
}

impl CommandLineError {
    pub(super) fn new(command_line: &str, problem: CommandLineProblem) -> Self {
        Self { command_line: command_line.to_owned(), problem }
    }

    /// How to repair it.
    #[must_use]
    pub fn hint(&self) -> String {
        match &self.problem {
            CommandLineProblem::Empty | CommandLineProblem::InProgram => {
                "begin with the program, such as `./generate --prompt={prompt} --out={out}`".to_owned()
            }
            CommandLineProblem::Unbalanced => {
                "close the quote, or write \\' and \\\" for literal quotes".to_owned()
            }
            CommandLineProblem::Unknown(_) => {
                let names: Vec<String> =
                    Placeholder::ALL.iter().map(|name| format!("{{{}}}", name.name())).collect();
                format!("available: {}", names.join(" "))
            }
            CommandLineProblem::Missing(name) => format!("say where to put it, such as --{name}={{{name}}}"),
            CommandLineProblem::InsideArgument => "put spaces around it".to_owned(),
            CommandLineProblem::HalfASize => "use both, or neither".to_owned(),
            CommandLineProblem::Placeholder(_) => {
                "leave it out, or use cmd: instead of cmd-lines:".to_owned()
            }
        }
    }
}

macro_rules! placeholders {
    ($($name:ident => $text:literal),*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Placeholder {
            $($name,)*
        }

        impl Placeholder {
            pub(super) const ALL: &[Self] = &[$(Self::$name),*];

            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

placeholders! {
    Prompt => "prompt",
    Seed => "seed",
    Out => "out",
    Width => "width",
    Height => "height",
    Input => "input",
    Inputs => "inputs",
    Mask => "mask",
    Id => "id",
    Sample => "sample",
    Round => "round"
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(Placeholder),
}

/// A command line with placeholders in its arguments.
#[derive(Debug, Clone)]
pub(super) struct Template {
    program: String,
    /// Text and placeholders alternate within an argument.
    arguments: Vec<Vec<Part>>,
}

impl Template {
    pub(super) fn parse(command_line: &str) -> Result<Self, CommandLineError> {
        let refuse = |problem| CommandLineError::new(command_line, problem);
        let mut words = split(command_line)?.into_iter();
        let program = words.next().ok_or_else(|| refuse(CommandLineProblem::Empty))?;
        let parts =
            |word: String| parse_argument(&word).map_err(|name| refuse(CommandLineProblem::Unknown(name)));
        if parts(program.clone())?.iter().any(|part| matches!(part, Part::Placeholder(_))) {
            return Err(refuse(CommandLineProblem::InProgram));
        }
        let template = Self { program, arguments: words.map(parts).collect::<Result<_, _>>()? };
        let inputs = Part::Placeholder(Placeholder::Inputs);
        if template.arguments.iter().any(|argument| argument.len() > 1 && argument.contains(&inputs)) {
            return Err(refuse(CommandLineProblem::InsideArgument));
        }
        Ok(template)
    }

    pub(super) fn has(&self, placeholder: Placeholder) -> bool {
        self.arguments.iter().flatten().any(|part| *part == Part::Placeholder(placeholder))
    }

    pub(super) fn program(&self) -> &str {
        &self.program
    }

    /// The arguments, with `value` for every placeholder but `{inputs}`; the first placeholder without a value is the error.
    pub(super) fn fill<'a>(
        &self,
        inputs: &[impl AsRef<Path>],
        value: impl Fn(Placeholder) -> Option<&'a OsStr>,
    ) -> Result<Vec<OsString>, Placeholder> {
        let mut filled = Vec::new();
        for argument in &self.arguments {
            if argument.as_slice() == [Part::Placeholder(Placeholder::Inputs)] {
                filled.extend(inputs.iter().map(|path| path.as_ref().as_os_str().to_owned()));
                continue;
            }
            let mut text = OsString::new();
            for part in argument {
                match part {
                    Part::Text(part) => text.push(part),
                    Part::Placeholder(name) => text.push(value(*name).ok_or(*name)?),
                }
            }
            filled.push(text);
        }
        Ok(filled)
    }
}

/// Splits as a POSIX shell splits words, without expanding anything. `#` starts no comment, for a comment would silently hide
/// arguments.
pub(super) fn split(command_line: &str) -> Result<Vec<String>, CommandLineError> {
    // A character that stands for nothing in any text.
    const HASH: &str = "\u{fdd0}";
    let words = shlex::split(&command_line.replace('#', HASH));
    let words = words.ok_or_else(|| CommandLineError::new(command_line, CommandLineProblem::Unbalanced))?;
    Ok(words.into_iter().map(|word| word.replace(HASH, "#")).collect())
}

/// Cuts an argument at its placeholders; the error is the name of an unknown one. Braces around anything but lower-case
/// letters and underscores are text.
fn parse_argument(word: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = word;
    while let Some(start) = rest.find('{') {
        let after = &rest[start + 1..];
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let Some((name, behind)) = after.split_once('}').filter(|(name, _)| is_name(name)) else {
            text.push_str(&rest[..=start]);
            rest = after;
            continue;
        };
        let known = Placeholder::ALL.iter().copied().find(|known| known.name() == name);
        let placeholder = known.ok_or_else(|| name.to_owned())?;
        text.push_str(&rest[..start]);
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        parts.push(Part::Placeholder(placeholder));
        rest = behind;
    }
    text.push_str(rest);
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(command_line: &str, prompt: &str) -> Vec<String> {
        let value = |name| match name {
            Placeholder::Prompt => Some(OsStr::new(prompt)),
            Placeholder::Out => Some(OsStr::new("/o.png")),
            _ => None,
        };
        let arguments = Template::parse(command_line).unwrap().fill(&["a b", "c"], value).unwrap();
        arguments.into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    #[test]
    fn a_prompt_stays_one_argument_whatever_it_holds() {
        let prompt = "a 'b' \"c\"; rm -rf / $(d) {out} -e\n";
        assert_eq!(filled("p {prompt}", prompt), [prompt]);
        assert_eq!(filled("p '--prompt={prompt}, in oil' {out}", "x {out}")[0], "--prompt=x {out}, in oil");
        assert_eq!(filled("p --a={prompt}{out}", ""), ["--a=/o.png"]);
        assert_eq!(filled("p {prompt}", ""), [""]);
    }

    #[test]
    fn inputs_become_several_arguments() {
        assert_eq!(filled("p -i {inputs} -o", ""), ["-i", "a b", "c", "-o"]);
    }

    #[test]
    fn a_hash_hides_nothing() {
        assert_eq!(filled("p #1 '#2' a#b # {prompt}", "x"), ["#1", "#2", "a#b", "#", "x"]);
    }

    #[test]
    fn other_braces_are_text() {
        assert_eq!(
            filled(r#"p '{"a":{"b":"{prompt}"}}' '{' {} {A}"#, "x"),
            [r#"{"a":{"b":"x"}}"#, "{", "{}", "{A}"]
        );
    }

    #[test]
    fn mistakes_are_named() {
        let said = |command_line: &str| Template::parse(command_line).unwrap_err().to_string();
        assert_eq!(said(""), "the command line `` names no program");
        assert_eq!(said("p 'a"), "the command line `p 'a` has an unclosed quote");
        assert_eq!(said("p {promt}"), "the command line `p {promt}` has the unknown placeholder {promt}");
        assert!(said("p --in={inputs}").contains("{inputs} inside an argument"));
        assert!(said("{prompt} x").contains("in the program's name"));
    }

    #[test]
    fn a_value_that_is_missing_is_named() {
        let template = Template::parse("p {prompt} {seed}").unwrap();
        let value = |name| (name == Placeholder::Prompt).then_some(OsStr::new("x"));
        assert_eq!(template.fill(&[""; 0], value), Err(Placeholder::Seed));
    }
}

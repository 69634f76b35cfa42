//! Why a wording could not be read.

/// Whatever stands in the way is said with the name that was looked for and the line where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordingError {
    #[error("the file is larger than {max_bytes} bytes")]
    TooLarge { max_bytes: usize },
    #[error("line {line} contains {what}")]
    Syntax { line: usize, what: String },
    #[error("the wording is read from a file `{file}`, which was not given")]
    NoFile { file: String },
    #[error("there is no {name}")]
    Missing { name: String },
    #[error("{name} is not a string")]
    NoText { name: String },
    #[error("{name} has {what} in line {line}, which cannot be read without running the script")]
    Unreadable { name: String, line: usize, what: String },
    #[error("{name} has different values, in lines {}", join(.lines))]
    Several { name: String, lines: Vec<usize> },
    #[error("{name} has the placeholder `{{{hole}}}` in line {line}, for which the suite has no value")]
    Hole { name: String, hole: String, line: usize },
    #[error("the text does not contain `{mark}`, which should be replaced")]
    NoMark { mark: String },
    #[error("the text cannot be filled in: {what}")]
    Format { what: String },
    #[error("the wording depends on the case's `{fact}`, and there is none for {value:?}")]
    NoChoice { fact: String, value: Option<String> },
    #[error("the text grows beyond {max_bytes} bytes")]
    TooLong { max_bytes: usize },
}

fn join(lines: &[usize]) -> String {
    let lines: Vec<_> = lines.iter().map(usize::to_string).collect();
    lines.join(", ")
}

//! What a network needs, against what a checkpoint holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    sync::Arc,
};

use super::{error::CheckpointError, tensors::Checkpoint};

/// So many names of a kind are listed; the rest is counted.
const LISTED: usize = 10;

/// Collects what a network needs from a checkpoint and complains once about everything that does not fit.
#[derive(Debug)]
pub struct Parameters {
    checkpoint: Arc<Checkpoint>,
    /// Stored names of each canonical name, concatenated along the first axis.
    sources: BTreeMap<String, Vec<String>>,
    /// Stored names that were asked for or ignored.
    used: BTreeSet<String>,
    missing: Vec<String>,
    misshaped: Vec<Misshaped>,
}

/// A tensor of another shape than the network needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshaped {
    pub name: String,
    pub found: Vec<usize>,
    pub needed: Vec<usize>,
}

/// A checkpoint that does not fit a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterError {
    pub path: PathBuf,
    /// Canonical names, as far as the checkpoint has no tensor for them.
    pub missing: Vec<String>,
    /// Stored names that nothing asked for.
    pub extra: Vec<String>,
    pub misshaped: Vec<Misshaped>,
}

impl ParameterError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "these are probably the weights of another network, or of another version of it"
    }
}

impl std::error::Error for ParameterError {}

impl fmt::Display for ParameterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "weights `{}` do not fit the network", self.path.display())?;
        let quoted = |name: &String| format!("`{name}`");
        let misshaped =
            |one: &Misshaped| format!("`{}` {:?} instead of {:?}", one.name, one.found, one.needed);
        list(formatter, "missing", &self.missing, quoted)?;
        list(formatter, "of another shape", &self.misshaped, misshaped)?;
        list(formatter, "not expected", &self.extra, quoted)
    }
}

fn list<T>(
    formatter: &mut fmt::Formatter<'_>,
    title: &str,
    items: &[T],
    show: impl Fn(&T) -> String,
) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    let shown: Vec<String> = items.iter().take(LISTED).map(show).collect();
    write!(formatter, "; {} {title}: {}", items.len(), shown.join(", "))?;
    match items.len().saturating_sub(LISTED) {
        0 => Ok(()),
        rest => write!(formatter, " and {rest} more"),
    }
}

impl Parameters {
    /// Names as the checkpoint has them.
    #[must_use]
    pub fn new(checkpoint: Arc<Checkpoint>) -> Self {
        let names: Vec<_> =
            checkpoint.tensors().map(|(name, _)| (name.to_owned(), vec![name.to_owned()])).collect();
        Self::with_names(checkpoint, names)
    }

    /// Canonical names, each with the stored tensors that make it up: usually one, or several that are concatenated
    /// along the first axis in the order given, such as query, key and value. A canonical name whose stored tensors are
    /// not all there counts as missing; stored tensors that no canonical name uses end up as not expected.
    pub fn with_names(
        checkpoint: Arc<Checkpoint>,
        names: impl IntoIterator<Item = (String, Vec<String>)>,
    ) -> Self {
        Self {
            checkpoint,
            sources: names.into_iter().collect(),
            used: BTreeSet::new(),
            missing: Vec::new(),
            misshaped: Vec::new(),
        }
    }

    /// As [`Self::with_names`]: `rename` gives for each stored name the canonical one and which part of it the tensor is, or
    /// nothing for what is no parameter of the network.
    pub fn with_renamed(
        checkpoint: Arc<Checkpoint>,
        rename: impl Fn(&str) -> Option<(String, usize)>,
    ) -> Self {
        let mut names: BTreeMap<String, Vec<(usize, String)>> = BTreeMap::new();
        for (stored, _) in checkpoint.tensors() {
            if let Some((canonical, part)) = rename(stored) {
                names.entry(canonical).or_default().push((part, stored.to_owned()));
            }
        }
        let in_order = |mut parts: Vec<(usize, String)>| {
            parts.sort();
            parts.into_iter().map(|(_, stored)| stored).collect()
        };
        let names: Vec<(String, Vec<String>)> =
            names.into_iter().map(|(canonical, parts)| (canonical, in_order(parts))).collect();
        Self::with_names(checkpoint, names)
    }

    /// The checkpoint behind it.
    #[must_use]
    pub fn checkpoint(&self) -> &Arc<Checkpoint> {
        &self.checkpoint
    }

    /// Shape under a canonical name, the parts taken together.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let shapes = self.sources.get(name)?.iter();
        let shapes: Vec<&[usize]> = shapes
            .map(|source| Some(self.checkpoint.info(source)?.shape.as_slice()))
            .collect::<Option<_>>()?;
        match shapes.as_slice() {
            [] => None,
            [shape] => Some(shape.to_vec()),
            [first, others @ ..] => {
                let (rows, inner) = first.split_first()?;
                let mut total = *rows;
                for shape in others {
                    let (rows, others_inner) = shape.split_first()?;
                    if inner != others_inner {
                        return None;
                    }
                    total = total.checked_add(*rows)?;
                }
                Some([&[total], inner].concat())
            }
        }
    }

    /// Whether everything is there that makes up this canonical name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.shape(name).is_some()
    }

    /// Every canonical name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    /// Registers a parameter of this shape; if the checkpoint has none, [`Self::finish`] reports it. Reads nothing.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Parameter {
        let sources = self.sources.get(name).cloned().unwrap_or_default();
        match self.shape(name) {
            None => self.missing.push(name.to_owned()),
            Some(found) if found != shape => {
                self.misshaped.push(Misshaped { name: name.to_owned(), found, needed: shape.to_vec() });
            }
            Some(_) => {}
        }
        self.used.extend(sources.iter().cloned());
        let checkpoint = Arc::clone(&self.checkpoint);
        Parameter { checkpoint, name: name.to_owned(), sources, shape: shape.to_vec() }
    }

    /// Accepts stored tensors that are known and not needed, such as `num_batches_tracked`. The predicate gets stored
    /// names.
    pub fn ignore(&mut self, predicate: impl Fn(&str) -> bool) {
        let names = self.checkpoint.tensors().map(|(name, _)| name);
        self.used.extend(names.filter(|name| predicate(name)).map(str::to_owned));
    }

    /// Reports everything that does not fit.
    ///
    /// # Errors
    /// If a parameter was missing or had another shape, or a stored tensor was neither used nor ignored.
    pub fn finish(self) -> Result<(), ParameterError> {
        let names = self.checkpoint.tensors().map(|(name, _)| name);
        let extra: Vec<String> = names.filter(|name| !self.used.contains(*name)).map(str::to_owned).collect();
        if self.missing.is_empty() && self.misshaped.is_empty() && extra.is_empty() {
            return Ok(());
        }
        Err(ParameterError {
            path: self.checkpoint.path().to_owned(),
            missing: self.missing,
            extra,
            misshaped: self.misshaped,
        })
    }
}

/// A parameter that is read when it is needed.
#[derive(Debug, Clone)]
pub struct Parameter {
    checkpoint: Arc<Checkpoint>,
    name: String,
    sources: Vec<String>,
    shape: Vec<usize>,
}

impl Parameter {
    /// The canonical name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As the network needs it.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers, row-major. There are as many as the shape says if [`Parameters::finish`] gave no error.
    ///
    /// # Errors
    /// If a tensor is missing or holds no floating-point numbers.
    pub fn read(&self) -> Result<Vec<f32>, CheckpointError> {
        let missing = || CheckpointError::MissingTensor {
            path: self.checkpoint.path().to_owned(),
            name: self.name.clone(),
        };
        let (first, others) = self.sources.split_first().ok_or_else(missing)?;
        let mut numbers = self.checkpoint.read_f32(first)?;
        for source in others {
            numbers.extend(self.checkpoint.read_f32(source)?);
        }
        Ok(numbers)
    }

    /// Lends the numbers, in place where the file allows it.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn with_slice<T>(&self, use_it: impl FnOnce(&[f32]) -> T) -> Result<T, CheckpointError> {
        if let [source] = self.sources.as_slice()
            && let Some(slice) = self.checkpoint.as_f32_slice(source)
        {
            return Ok(use_it(slice));
        }
        Ok(use_it(&self.read()?))
    }

    /// Says that it will not be read again soon, so that its pages need not stay in memory. Only a hint.
    pub fn release(&self) {
        for source in &self.sources {
            self.checkpoint.release(source);
        }
    }
}

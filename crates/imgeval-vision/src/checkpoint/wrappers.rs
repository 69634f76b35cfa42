//! Prefixes that wrappers of a network put before the names of its tensors.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::error::CheckpointError;

/// DataParallel, DistributedDataParallel and averaged models; modules of Lightning and of training scripts.
const PREFIXES: [&str; 2] = ["module.", "model."];

/// Parts of names that wrappers put anywhere: `torch.compile`, fully sharded training, activation checkpointing, Fabric and
/// DeepSpeed. No network has them of its own.
const PARTS: [&str; 4] =
    ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"];

/// What averaged models count beside the tensors of the network.
const COUNTER: &str = "n_averaged";

/// What stands before the names of a moving average that lies beside the weights that are trained.
const AVERAGES: [&str; 3] = ["ema.", "model_ema.", "ema_model."];

/// What averages count and remember beside the tensors.
const AVERAGE_STATE: [&str; 5] = ["decay", "num_updates", COUNTER, "initted", "step"];

/// The names that belong to a moving average of tensors that are there themselves. As with the nests, the trained weights
/// are taken.
pub(super) fn averages_beside<T>(tensors: &BTreeMap<String, T>) -> Vec<String> {
    let below =
        |name: &str| AVERAGES.iter().find_map(|average| name.strip_prefix(average)).map(without_parts);
    let is_copy = |name: &&String| {
        let Some(rest) = below(name) else { return false };
        let mut rest = rest.as_str();
        loop {
            if tensors.contains_key(rest) {
                return true;
            }
            match PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
                Some(inner) => rest = inner,
                None => return false,
            }
        }
    };
    let copies: Vec<String> = tensors.keys().filter(is_copy).cloned().collect();
    if copies.is_empty() {
        return copies;
    }
    let is_state = |name: &&String| below(name).is_some_and(|rest| AVERAGE_STATE.contains(&rest.as_str()));
    let state = tensors.keys().filter(is_state).cloned();
    copies.iter().cloned().chain(state).collect()
}

/// How names are brought back to the network's own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unwrapping {
    prefix: String,
}

impl Unwrapping {
    /// `None` if the names are the network's own already, or it is not there at all.
    pub(super) fn find<'a>(
        path: &Path,
        names: impl Iterator<Item = &'a String>,
        anchors: &[&str],
    ) -> Result<Option<Self>, CheckpointError> {
        let mut prefixes = BTreeSet::new();
        let mut has_parts = false;
        for name in names {
            let plain = without_parts(name);
            has_parts |= plain != *name;
            prefixes.extend(prefix_before(&plain, anchors).map(str::to_owned));
        }
        // The network as it is wins over copies of it that a wrapper holds.
        if prefixes.contains("") {
            return Ok(has_parts.then(|| Self { prefix: String::new() }));
        }
        match prefixes.len() {
            0 | 1 => Ok(prefixes.pop_first().map(|prefix| Self { prefix })),
            _ => {
                let prefixes = prefixes.into_iter().map(|prefix| format!("`{prefix}`")).collect();
                Err(CheckpointError::Ambiguous { path: path.to_owned(), prefixes })
            }
        }
    }

    /// The network's own name for a stored one; `None` for what is no tensor of the network.
    pub(super) fn name_of(&self, stored: &str) -> Option<String> {
        let plain = without_parts(stored);
        if !self.prefix.is_empty() && plain == COUNTER {
            return None;
        }
        let own = plain.strip_prefix(&self.prefix);
        Some(own.map_or(plain.clone(), str::to_owned))
    }
}

fn without_parts(name: &str) -> String {
    name.split('.').filter(|part| !PARTS.contains(part)).collect::<Vec<_>>().join(".")
}

/// The prefixes before an anchor, if there is nothing but prefixes.
fn prefix_before<'a>(name: &'a str, anchors: &[&str]) -> Option<&'a str> {
    let mut rest = name;
    loop {
        if anchors.iter().any(|anchor| rest.starts_with(anchor)) {
            return Some(&name[..name.len() - rest.len()]);
        }
        rest = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANCHORS: &[&str] = &["stem.weight", "model.levels."];

    fn find(names: &[&str]) -> Result<Option<Unwrapping>, CheckpointError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Unwrapping::find(Path::new("x"), names.iter(), ANCHORS)
    }

    #[test]
    fn prefixes_come_off_alone_and_combined() {
        let prefixes = ["module.", "model.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.model."];
        for prefix in prefixes.iter().chain(&["module.module.", "model._orig_mod.", "_forward_module.model."])
        {
            let stored = [format!("{prefix}stem.weight"), format!("{prefix}head.bias")];
            let unwrapping = find(&[&stored[0], &stored[1]]).unwrap().unwrap();
            let names: Vec<_> = stored.iter().filter_map(|name| unwrapping.name_of(name)).collect();
            assert_eq!(names, ["stem.weight", "head.bias"], "{prefix}");
        }
    }

    #[test]
    fn names_that_are_the_networks_own_stay() {
        assert_eq!(find(&["stem.weight", "model.head.bias"]).unwrap(), None);
        // Of this network `model.` belongs to the names.
        assert_eq!(find(&["model.levels.0.weight", "head.bias"]).unwrap(), None);
        let wrapped = find(&["model.model.levels.0.weight", "model.head.bias"]).unwrap().unwrap();
        assert_eq!(wrapped.name_of("model.model.levels.0.weight").unwrap(), "model.levels.0.weight");
        // Another network is left alone.
        assert_eq!(find(&["module.conv.weight"]).unwrap(), None);
        assert_eq!(find(&["student.stem.weight"]).unwrap(), None);
    }

    #[test]
    fn inner_wrappers_and_counters_are_left_out() {
        let inner = find(&["stem.weight", "blocks.0._checkpoint_wrapped_module.weight"]).unwrap().unwrap();
        assert_eq!(inner.name_of("blocks.0._checkpoint_wrapped_module.weight").unwrap(), "blocks.0.weight");
        let averaged = find(&["n_averaged", "module.stem.weight"]).unwrap().unwrap();
        assert_eq!(averaged.name_of("n_averaged"), None);
        assert_eq!(averaged.name_of("loss.scale").unwrap(), "loss.scale");
    }

    #[test]
    fn an_average_beside_the_trained_weights_is_left_out() {
        let averages = |names: &[&str]| {
            let tensors = names.iter().map(|name| ((*name).to_owned(), ())).collect();
            averages_beside(&tensors)
        };
        let both = ["a.weight", "ema.module._orig_mod.a.weight", "model_ema.a.weight", "model_ema.decay"];
        assert_eq!(averages(&both), both[1..]);
        // Nothing that is there alone is an average of something.
        assert!(averages(&["a.weight", "ema.b.weight", "ema.decay", "model.a.weight"]).is_empty());
        assert!(averages(&["ema.a.weight"]).is_empty());
    }

    #[test]
    fn two_networks_in_one_file_are_not_chosen_from() {
        let error = find(&["model.stem.weight", "module.stem.weight"]).unwrap_err().to_string();
        assert_eq!(
            error,
            "`x` contains the network more than once, under names that start with `model.` and with `module.`"
        );
        // Without a prefix it is clear which is meant.
        assert_eq!(find(&["model.stem.weight", "stem.weight"]).unwrap(), None);
    }
}

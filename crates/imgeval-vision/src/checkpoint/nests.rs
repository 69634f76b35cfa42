//! Where in a pickled checkpoint the tensors lie: training frameworks put them below a key.

use std::collections::{BTreeMap, HashSet};

use super::pickle::{Id, Pickle, Tensor, Value};

/// Keys below which frameworks keep the trained weights, in the order of trial.
const NESTS: [&str; 8] =
    ["state_dict", "model_state_dict", "model", "module", "params", "net", "network", "weights"];

/// Keys below which they keep the weights' moving average, which is tried after the trained weights.
const AVERAGES: [&str; 7] = [
    "ema",
    "model_ema",
    "ema_model",
    "params_ema",
    "state_dict_ema",
    "ema_state_dict",
    "model_ema_state_dict",
];

/// Nests in nests, such as `{"ema": {"module": ...}}`.
const MAX_DEPTH: usize = 4;

/// So many keys are named of a file without tensors.
const LISTED: usize = 8;

/// Tensors by name.
type Named<'p, 'a> = BTreeMap<String, &'p Tensor<'a>>;

/// The tensors of the state dict: of the first that holds at least half as many as the fullest, so that a lone number below
/// one key does not hide the network below another. The nests are tried first, then the root itself, then the averages.
pub(super) fn state_dict<'p, 'a>(pickle: &'p Pickle<'a>) -> Named<'p, 'a> {
    let mut candidates = Vec::new();
    collect(pickle, pickle.root(), 0, &mut HashSet::new(), &mut candidates);
    let most = candidates.iter().map(BTreeMap::len).max().unwrap_or_default();
    candidates.into_iter().find(|tensors| 2 * tensors.len() >= most).unwrap_or_default()
}

fn collect<'p, 'a>(
    pickle: &'p Pickle<'a>,
    dict: Id,
    depth: usize,
    seen: &mut HashSet<Id>,
    candidates: &mut Vec<Named<'p, 'a>>,
) {
    // A dictionary may contain itself.
    if depth >= MAX_DEPTH || !matches!(pickle.value(dict), Value::Dict(_)) || !seen.insert(dict) {
        return;
    }
    let mut collect_below = |nests: &[&str], candidates: &mut Vec<Named<'p, 'a>>| {
        for nest in nests {
            if let Some(inner) = pickle.get(dict, nest) {
                collect(pickle, inner, depth + 1, seen, candidates);
            }
        }
    };
    collect_below(&NESTS, candidates);
    candidates.push(direct_tensors(pickle, dict));
    collect_below(&AVERAGES, candidates);
}

fn direct_tensors<'p, 'a>(pickle: &'p Pickle<'a>, dict: Id) -> Named<'p, 'a> {
    let Value::Dict(pairs) = pickle.value(dict) else { return BTreeMap::new() };
    let tensors = pairs.iter().filter_map(|(key, value)| match pickle.value(*value) {
        Value::Tensor(tensor) => Some((pickle.text(*key)?.to_owned(), &**tensor)),
        _ => None,
    });
    tensors.collect()
}

/// Describes what was found instead.
pub(super) fn describe(pickle: &Pickle<'_>) -> String {
    match pickle.value(pickle.root()) {
        Value::Dict(pairs) if pairs.is_empty() => "it is an empty dictionary".to_owned(),
        Value::Dict(pairs) => {
            let keys = pairs.iter().filter_map(|(key, _)| pickle.text(*key));
            let shown: Vec<String> = keys.take(LISTED).map(|key| format!("`{}`", shorten(key))).collect();
            match (shown.len(), pairs.len()) {
                (0, count) => format!("it is a dictionary of {count} without text keys"),
                (named, count) if named < count => {
                    format!("its keys are {} and {} more", shown.join(", "), count - named)
                }
                (1, _) => format!("its only key is {}", shown.join(", ")),
                _ => format!("its keys are {}", shown.join(", ")),
            }
        }
        Value::List(_) | Value::Tuple(_) => "it is a list and not a dictionary of tensors".to_owned(),
        Value::Tensor(_) => "it is one tensor without a name".to_owned(),
        Value::Module { .. } => "it is a module without tensors".to_owned(),
        _ => "it is not a dictionary".to_owned(),
    }
}

fn shorten(key: &str) -> String {
    key.chars().take(60).flat_map(char::escape_debug).collect()
}

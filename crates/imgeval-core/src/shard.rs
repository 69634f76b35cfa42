//! One part of a suite's cases, for work that several machines share.

use std::{fmt, str::FromStr};

/// The part `number` of `count`: every `count`-th case, from the `number`-th on.
///
/// Parts are counted from 1. Together they hold every case once, whatever each of them is asked beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    count: u32,
}

/// Why a text does not name a part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    #[error("`{text}` is not of the form I/N, such as 2/16, or `auto`")]
    Form { text: String },
    #[error("{number}/{count} does not exist: parts are counted from 1 to {count}")]
    Range { number: u64, count: u64 },
    #[error("`{name}` is `{value}`, which is not a number")]
    Variable { name: &'static str, value: String },
    #[error("no variable of a scheduler says which part this process is: {known}")]
    NoScheduler { known: String },
    #[error("`{found}` is set, but not `{missing}`, so the number of parts is unknown")]
    NoCount { found: &'static str, missing: &'static str },
}

/// What schedulers say to a process: which one it is, and how many there are.
struct Scheduler {
    name: &'static str,
    index: &'static str,
    count: &'static str,
    /// The variable that holds the first index, if that need not be 0.
    first: Option<&'static str>,
    /// The variable that holds the distance of two indices, if that need not be 1.
    step: Option<&'static str>,
}

/// The first one whose index is set decides.
const SCHEDULERS: [Scheduler; 4] = [
    Scheduler {
        name: "a Slurm array",
        index: "SLURM_ARRAY_TASK_ID",
        count: "SLURM_ARRAY_TASK_COUNT",
        first: Some("SLURM_ARRAY_TASK_MIN"),
        step: Some("SLURM_ARRAY_TASK_STEP"),
    },
    Scheduler {
        name: "an indexed job of Kubernetes",
        index: "JOB_COMPLETION_INDEX",
        count: "JOB_COMPLETIONS",
        first: None,
        step: None,
    },
    Scheduler { name: "torchrun or accelerate", index: "RANK", count: "WORLD_SIZE", first: None, step: None },
    Scheduler { name: "srun", index: "SLURM_PROCID", count: "SLURM_NTASKS", first: None, step: None },
];

impl Shard {
    /// # Errors
    /// Unless `number` is from 1 to `count`.
    pub fn new(number: u64, count: u64) -> Result<Self, ShardError> {
        match (u32::try_from(number), u32::try_from(count)) {
            (Ok(number), Ok(count)) if (1..=count).contains(&number) => Ok(Self { number, count }),
            _ => Err(ShardError::Range { number, count }),
        }
    }

    /// The part that a scheduler gave to this process: a Slurm array, an indexed job of Kubernetes (with `JOB_COMPLETIONS` set to the
    /// job's completions, which Kubernetes does not say by itself), torchrun or accelerate, or srun.
    ///
    /// # Errors
    /// If no scheduler says, or what it says makes no sense.
    pub fn of_scheduler(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ShardError> {
        let number = |name: &'static str| match variable(name) {
            None => Ok(None),
            Some(value) => {
                value.trim().parse::<u64>().map(Some).map_err(|_| ShardError::Variable { name, value })
            }
        };
        for scheduler in &SCHEDULERS {
            let Some(index) = number(scheduler.index)? else { continue };
            let (found, missing) = (scheduler.index, scheduler.count);
            let count = number(scheduler.count)?.ok_or(ShardError::NoCount { found, missing })?;
            let or = |name: Option<&'static str>, default| match name {
                Some(name) => number(name).map(|value| value.unwrap_or(default)),
                None => Ok(default),
            };
            let (first, step) = (or(scheduler.first, 0)?, or(scheduler.step, 1)?);
            return Self::new(index.saturating_sub(first) / step.max(1) + 1, count);
        }
        let known = SCHEDULERS.map(|scheduler| format!("{} ({})", scheduler.index, scheduler.name));
        Err(ShardError::NoScheduler { known: known.join(", ") })
    }

    /// Whether the case at this place of the whole suite, counted from 0, belongs to the part.
    #[must_use]
    pub fn holds(&self, place: usize) -> bool {
        place % self.count as usize == self.number as usize - 1
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let form = || ShardError::Form { text: text.to_owned() };
        let (number, count) = text.split_once('/').ok_or_else(form)?;
        let parse = |part: &str| part.parse::<u64>().map_err(|_| form());
        Self::new(parse(number)?, parse(count)?)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<String, ShardError> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
        Shard::of_scheduler(find).map(|shard| shard.to_string())
    }

    #[test]
    fn parts_hold_every_case_once() {
        for count in [1, 2, 7, 16] {
            for place in 0..40 {
                let holders = (1..=count).filter(|number| Shard::new(*number, count).unwrap().holds(place));
                assert_eq!(holders.count(), 1, "{place} of {count}");
            }
        }
    }

    #[test]
    fn only_existing_parts_are_read() {
        assert_eq!("2/3".parse::<Shard>().unwrap().to_string(), "2/3");
        for text in ["0/3", "4/3", "1/0", "1/5000000000"] {
            assert!(matches!(text.parse::<Shard>(), Err(ShardError::Range { .. })), "{text}");
        }
        for text in ["", "2", "a/b", "-1/3", "1/2/3"] {
            assert!(matches!(text.parse::<Shard>(), Err(ShardError::Form { .. })), "{text}");
        }
    }

    #[test]
    fn schedulers_are_understood() {
        let slurm = [("SLURM_ARRAY_TASK_ID", "14"), ("SLURM_ARRAY_TASK_COUNT", "3")];
        let steps = [("SLURM_ARRAY_TASK_MIN", "10"), ("SLURM_ARRAY_TASK_STEP", "2")];
        assert_eq!(of(&[slurm, steps].concat()).unwrap(), "3/3");
        assert!(matches!(of(&slurm), Err(ShardError::Range { number: 15, count: 3 })));
        assert_eq!(of(&[("RANK", "0"), ("WORLD_SIZE", "8")]).unwrap(), "1/8");
        assert_eq!(of(&[("SLURM_PROCID", "7"), ("SLURM_NTASKS", "8")]).unwrap(), "8/8");
        assert_eq!(of(&[("JOB_COMPLETION_INDEX", "1"), ("JOB_COMPLETIONS", "2")]).unwrap(), "2/2");
        assert!(matches!(of(&[("JOB_COMPLETION_INDEX", "1")]), Err(ShardError::NoCount { .. })));
        assert!(matches!(of(&[("RANK", "x"), ("WORLD_SIZE", "8")]), Err(ShardError::Variable { .. })));
        assert!(matches!(of(&[]), Err(ShardError::NoScheduler { .. })));
    }
}

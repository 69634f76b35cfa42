//! What can be said about them.

use imgeval_metrics::{
    BootstrapSettings, holm,
    survival::{
        Curve, LogRank, NotTestable, PairedRound, REPORTED_ROUNDS, Refusals, RoundRate, RoundStatus, Time,
        Weights, compare_paired, log_rank, mcnemar_exact, success_by_round, time_of,
    },
};

use super::Question;

/// Answers, in the order of the question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub groups: Vec<Group>,
    pub statuses: Vec<StatusGroup>,
    pub compared: Vec<Compared>,
    pub pair: Option<Paired>,
    /// Counts of one model alone, of the other alone, and McNemar's exact p.
    pub mcnemar: Vec<(usize, usize, f64)>,
    /// p values and Holm's correction of them.
    pub holm: Vec<(Vec<f64>, Vec<f64>)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub name: String,
    pub curve: Curve,
}

/// Sessions whose rounds have statuses.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusGroup {
    pub name: String,
    pub success: Vec<RoundRate>,
    /// Curves with refused and missing rounds as failures, and as censored.
    pub failed: (Vec<Time>, Curve),
    pub censored: (Vec<Time>, Curve),
}

/// A test of independent groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    pub groups: Vec<String>,
    /// The log-rank test.
    pub equal: Result<LogRank, NotTestable>,
    /// Gehan's weights.
    pub at_risk: Result<LogRank, NotTestable>,
}

/// Two models over the same sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct Paired {
    pub names: [String; 2],
    pub rounds: Vec<PairedRound>,
}

/// Answers a question.
#[must_use]
pub fn answer(question: &Question, settings: BootstrapSettings) -> Answer {
    let groups = question
        .groups
        .iter()
        .filter_map(|(name, times)| Some(Group { name: name.clone(), curve: Curve::of(times)? }));
    let statuses = question.statuses.iter().filter_map(|(name, sessions)| status_group(name, sessions));
    let times_of = |name: &String| {
        let group = question.groups.iter().find(|(known, _)| known == name);
        group.map_or(&[][..], |(_, times)| times.as_slice())
    };
    let compared = question.tests.iter().map(|names| {
        let groups: Vec<&[Time]> = names.iter().map(times_of).collect();
        let test = |weights| log_rank(&groups, weights);
        Compared { groups: names.clone(), equal: test(Weights::Equal), at_risk: test(Weights::AtRisk) }
    });
    let pair = question.pair.as_ref().map(|pair| {
        let sessions: Vec<[&[RoundStatus]; 2]> =
            pair.sessions.iter().map(|[a, b]| [a.as_slice(), b.as_slice()]).collect();
        let rounds = compare_paired(&sessions, &REPORTED_ROUNDS, settings);
        Paired { names: pair.names.clone(), rounds }
    });
    Answer {
        groups: groups.collect(),
        statuses: statuses.collect(),
        compared: compared.collect(),
        pair,
        mcnemar: question.discordant.iter().map(|&(a, b)| (a, b, mcnemar_exact(a, b))).collect(),
        holm: question.p_values.iter().map(|list| (list.clone(), holm(list))).collect(),
    }
}

fn status_group(name: &str, sessions: &[Vec<RoundStatus>]) -> Option<StatusGroup> {
    let curve = |refusals| {
        let times: Vec<Time> = sessions.iter().map(|session| time_of(session, refusals)).collect();
        let curve = Curve::of(&times)?;
        Some((times, curve))
    };
    let slices: Vec<&[RoundStatus]> = sessions.iter().map(Vec::as_slice).collect();
    Some(StatusGroup {
        name: name.to_owned(),
        success: success_by_round(&slices, &REPORTED_ROUNDS),
        failed: curve(Refusals::Failed)?,
        censored: curve(Refusals::Censored)?,
    })
}

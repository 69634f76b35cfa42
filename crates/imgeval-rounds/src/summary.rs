//! What the measured sessions say together.

use imgeval_metrics::{
    BootstrapSettings, PairedStratum,
    drift::{
        Component, Floor, LEAST_SURVIVAL, MOST_CONTENT_DE, MOST_TONE_DE, SHARPNESS_RANGE, compare_slopes,
        drift_curve, slope_of,
    },
    holm, paired_difference,
    survival::{
        Curve, PairedRound, REPORTED_ROUNDS, Refusals, RoundRate, RoundStatus, compare_paired,
        success_by_round, time_of,
    },
};
use imgeval_report::rounds::{
    MeanLine, ObjectView, RoundLine, RoundsComparison, RoundsModel, RoundsView, SessionModelView,
    SessionRoundView, SessionView, SlopeDifference, SlopeLine, SuccessDifference, SuccessLine, SurvivalStep,
};

use crate::{
    CODEC_CONTROL, MeasuredObject, MeasuredRound, MeasuredSession, Session,
    numbers::{CODEC_PART, MEASURES, Measure, PARTS, measures_of},
    objects::is_of_objects,
};

/// A session with what was measured of it.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) session: &'a Session,
    pub(crate) measured: &'a MeasuredSession,
}

/// The same for all models.
struct Common<'a> {
    measures: Vec<&'static Measure>,
    /// In the order of [`PARTS`].
    floor: Vec<f64>,
    codec: Vec<Pair<'a>>,
    settings: BootstrapSettings,
}

/// Tables, curves, comparisons and sessions; images are added by whoever draws them. `measured` belongs to `sessions`, one by one.
#[must_use]
pub fn summarize(
    sessions: &[Session],
    measured: &[MeasuredSession],
    settings: BootstrapSettings,
) -> RoundsView {
    let all: Vec<Pair<'_>> =
        sessions.iter().zip(measured).map(|(session, measured)| Pair { session, measured }).collect();
    let pairs: Vec<Pair<'_>> = all.iter().filter(|pair| pair.session.repeats.is_none()).copied().collect();
    let mut names: Vec<String> = Vec::new();
    for name in pairs.iter().map(|pair| name_of(pair.session)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    // Controls stand behind those whom they are the controls of.
    names.sort_by_key(|name| is_control(&pairs, name));
    let of_model = |name: &String| -> Vec<Pair<'_>> {
        pairs.iter().filter(|pair| name_of(pair.session) == *name).copied().collect()
    };
    let common = Common {
        measures: measures_of(pairs.iter().flat_map(|pair| &pair.measured.rounds)),
        floor: floor_of(&pairs),
        codec: of_model(&CODEC_CONTROL.to_owned()),
        settings,
    };
    let models = names.iter().map(|name| {
        let of_model = of_model(name);
        let noise = noise_of(&of_model, &all, &common);
        RoundsModel { noise, ..model_of(name, &of_model, &common) }
    });
    let compared: Vec<&String> = names.iter().filter(|name| !is_control(&pairs, name)).collect();
    let mut comparisons = Vec::new();
    for (place, a) in compared.iter().enumerate() {
        for b in &compared[place + 1..] {
            comparisons.extend(comparison_of([a, b], [&of_model(a), &of_model(b)], &common));
        }
    }
    RoundsView {
        models: models.collect(),
        comparisons,
        sessions: sessions_of(&all, &names),
        limits: limits(),
        notes: notes_of(&pairs),
    }
}

/// Controls of a model are no sessions of that model.
fn name_of(session: &Session) -> String {
    match session.is_control && session.model != CODEC_CONTROL {
        true => format!("{} (instructed to change nothing)", session.model),
        false => session.model.clone(),
    }
}

fn is_control(pairs: &[Pair<'_>], name: &str) -> bool {
    pairs.iter().any(|pair| pair.session.is_control && name_of(pair.session) == name)
}

/// The largest that any control shows, and at least the resolution of the measure; in the units of [`PARTS`].
fn floor_of(pairs: &[Pair<'_>]) -> Vec<f64> {
    let rounds = || {
        let controls = pairs.iter().filter(|pair| pair.session.is_control);
        controls.flat_map(|pair| &pair.measured.rounds)
    };
    let floor = |(measure, component, scale): &(Measure, Component, f64)| {
        let resolution = scale * Floor::RESOLUTION.of_component(*component);
        rounds().filter_map(|round| (measure.of)(round)).map(f64::abs).fold(resolution, f64::max)
    };
    PARTS.iter().map(floor).collect()
}

fn model_of(name: &str, pairs: &[Pair<'_>], common: &Common<'_>) -> RoundsModel {
    let statuses: Vec<Vec<RoundStatus>> = pairs.iter().map(|pair| pair.measured.statuses()).collect();
    let lists: Vec<&[RoundStatus]> = statuses.iter().map(Vec::as_slice).collect();
    let curve = |refusals| {
        let times: Vec<_> = statuses.iter().map(|of| time_of(of, refusals)).collect();
        Curve::of(&times)
    };
    let failed = curve(Refusals::Failed);
    let judged: Vec<Vec<RoundStatus>> = pairs.iter().filter_map(judged_statuses).collect();
    let judged: Vec<&[RoundStatus]> = judged.iter().map(Vec::as_slice).collect();
    let last = lists.iter().map(|of| of.len()).max().unwrap_or(0) as u32;
    RoundsModel {
        name: name.to_owned(),
        n_sessions: pairs.len(),
        rounds: (1..=last).map(|round| round_line(round, pairs, &lists, common)).collect(),
        success: success_lines(&lists),
        judged: success_lines(&judged),
        noise: Vec::new(),
        survival: failed.as_ref().map(steps_of).unwrap_or_default(),
        survival_censored: curve(Refusals::Censored).as_ref().map(steps_of).unwrap_or_default(),
        median: failed.as_ref().and_then(Curve::median),
        median_interval: failed.as_ref().map_or((None, None), Curve::median_interval),
        slopes: common.measures.iter().map(|measure| slope_line(measure, pairs, common.settings)).collect(),
    }
}

/// Up to the first round about which the judge says nothing; `None` if nobody was asked.
fn judged_statuses(pair: &Pair<'_>) -> Option<Vec<RoundStatus>> {
    let judged = pair.session.judged.as_ref()?;
    let mut statuses = Vec::new();
    for (measured, judged) in pair.measured.statuses().into_iter().zip(judged) {
        statuses.push(match (measured, judged) {
            (absent @ (RoundStatus::Refused | RoundStatus::Missing), _) => absent,
            (_, Some(true)) => RoundStatus::Ok,
            (_, Some(false)) => RoundStatus::Failed,
            (_, None) => break,
        });
    }
    Some(statuses)
}

fn success_lines(sessions: &[&[RoundStatus]]) -> Vec<SuccessLine> {
    let line = |rate: RoundRate| SuccessLine {
        round: rate.round,
        sessions: rate.sessions,
        count: rate.count,
        rate: rate.rate,
        interval: rate.interval,
    };
    success_by_round(sessions, &REPORTED_ROUNDS).into_iter().map(line).collect()
}

/// Mean distance between the first rounds of a session and of its repetition, by measure.
fn noise_of(pairs: &[Pair<'_>], all: &[Pair<'_>], common: &Common<'_>) -> Vec<MeanLine> {
    let twice: Vec<[&MeasuredRound; 2]> = pairs
        .iter()
        .filter_map(|pair| {
            let repeats = |other: &&Pair<'_>| {
                other.session.model == pair.session.model
                    && other.session.repeats.as_ref() == Some(&pair.session.id)
            };
            let other = all.iter().find(repeats)?;
            Some([pair.measured.rounds.first()?, other.measured.rounds.first()?])
        })
        .collect();
    let line = |measure: &Measure| {
        let distance =
            |[one, other]: &[&MeasuredRound; 2]| Some(((measure.of)(one)? - (measure.of)(other)?).abs());
        let differences: Vec<f64> = twice.iter().filter_map(distance).collect();
        let n = differences.len();
        let mean =
            paired_difference(&[PairedStratum { key: 311, weight: 1.0, differences }], common.settings)?;
        Some(MeanLine {
            name: measure.name.to_owned(),
            unit: measure.unit.to_owned(),
            value: Some(mean.value),
            interval: mean.interval,
            n,
            floor: 0.0,
        })
    };
    common.measures.iter().filter_map(|measure| line(measure)).collect()
}

fn steps_of(curve: &Curve) -> Vec<SurvivalStep> {
    let step = |step: &imgeval_metrics::survival::Step| SurvivalStep {
        round: step.round,
        at_risk: step.at_risk,
        events: step.events,
        censored: step.censored,
        survival: step.survival,
        band: step.log_log_band,
    };
    curve.steps().iter().map(step).collect()
}

fn round_line(round: u32, pairs: &[Pair<'_>], statuses: &[&[RoundStatus]], common: &Common<'_>) -> RoundLine {
    let Common { measures, floor, codec, settings } = common;
    let settings = *settings;
    let place = round as usize - 1;
    let count = |status| statuses.iter().filter(|of| of.get(place) == Some(&status)).count();
    let registered = pairs.iter().filter_map(|pair| pair.measured.rounds.get(place));
    let means = measures.iter().map(|measure| mean_line(measure, pairs, round, 0.0, settings));
    let parts = PARTS
        .iter()
        .zip(floor)
        .map(|((measure, ..), floor)| mean_line(measure, pairs, round, *floor, settings));
    let residual = &PARTS[4].0;
    let of_codec = (!codec.is_empty()).then(|| MeanLine {
        name: CODEC_PART.to_owned(),
        ..mean_line(residual, codec, round, 0.0, settings)
    });
    RoundLine {
        round,
        ok: count(RoundStatus::Ok),
        failed: count(RoundStatus::Failed),
        refused: count(RoundStatus::Refused),
        missing: count(RoundStatus::Missing),
        registered: registered.filter(|of| of.registration == "ok").count(),
        means: means.collect(),
        parts: parts.chain(of_codec).collect(),
    }
}

/// The values of a measure by round, of each session.
fn series_of(measure: &Measure, pairs: &[Pair<'_>]) -> Vec<Vec<(u32, f64)>> {
    let points = |pair: &Pair<'_>| {
        let rounds = pair.measured.rounds.iter();
        rounds.filter_map(|round| Some((round.round, (measure.of)(round)?))).collect()
    };
    pairs.iter().map(points).collect()
}

fn mean_line(
    measure: &Measure,
    pairs: &[Pair<'_>],
    round: u32,
    floor: f64,
    settings: BootstrapSettings,
) -> MeanLine {
    let of_round: Vec<Vec<(u32, f64)>> = series_of(measure, pairs)
        .into_iter()
        .map(|series| series.into_iter().filter(|point| point.0 == round).collect())
        .collect();
    let point = drift_curve(&of_round, settings).pop();
    MeanLine {
        name: measure.name.to_owned(),
        unit: measure.unit.to_owned(),
        value: point.map(|point| point.mean.value),
        interval: point.and_then(|point| point.mean.interval),
        n: point.map_or(0, |point| point.mean.n),
        floor,
    }
}

fn slope_line(measure: &Measure, pairs: &[Pair<'_>], settings: BootstrapSettings) -> SlopeLine {
    let slopes: Vec<f64> = series_of(measure, pairs).iter().filter_map(|series| slope_of(series)).collect();
    let n = slopes.len();
    let stratum = PairedStratum { key: 310, weight: 1.0, differences: slopes };
    let mean = paired_difference(&[stratum], settings);
    SlopeLine {
        name: measure.name.to_owned(),
        unit: measure.unit.to_owned(),
        value: mean.map(|mean| mean.value),
        interval: mean.and_then(|mean| mean.interval),
        n,
    }
}

/// `None` if the two share no session.
fn comparison_of(
    names: [&String; 2],
    models: [&[Pair<'_>]; 2],
    Common { measures, settings, .. }: &Common<'_>,
) -> Option<RoundsComparison> {
    let shared: Vec<[Pair<'_>; 2]> = models[0]
        .iter()
        .filter_map(|a| {
            let b = models[1].iter().find(|b| b.session.id == a.session.id)?;
            Some([*a, *b])
        })
        .collect();
    if shared.is_empty() {
        return None;
    }
    let settings = *settings;
    let statuses: Vec<[Vec<RoundStatus>; 2]> =
        shared.iter().map(|pair| pair.map(|of| of.measured.statuses())).collect();
    let lists: Vec<[&[RoundStatus]; 2]> =
        statuses.iter().map(|[a, b]| [a.as_slice(), b.as_slice()]).collect();
    let success = success_differences(&lists, settings);
    let both_judged = |pair: &[Pair<'_>; 2]| Some([judged_statuses(&pair[0])?, judged_statuses(&pair[1])?]);
    let judged: Vec<[Vec<RoundStatus>; 2]> = shared.iter().filter_map(both_judged).collect();
    let judged: Vec<[&[RoundStatus]; 2]> = judged.iter().map(|[a, b]| [a.as_slice(), b.as_slice()]).collect();
    let judged = success_differences(&judged, settings);
    let mut slopes: Vec<SlopeDifference> = measures
        .iter()
        .filter_map(|measure| {
            let series: Vec<[Vec<(u32, f64)>; 2]> = shared
                .iter()
                .map(|pair| pair.map(|of| series_of(measure, &[of]).pop().unwrap_or_default()))
                .collect();
            let found = compare_slopes(&series, settings)?;
            Some(SlopeDifference {
                name: measure.name.to_owned(),
                unit: measure.unit.to_owned(),
                sessions: found.slopes.len(),
                difference: found.difference.value,
                interval: found.difference.interval,
                p: found.permutation_p,
                p_adjusted: None,
            })
        })
        .collect();
    let tested: Vec<usize> = (0..slopes.len()).filter(|place| slopes[*place].p.is_some()).collect();
    let corrected = holm(&tested.iter().filter_map(|place| slopes[*place].p).collect::<Vec<_>>());
    for (place, p) in tested.into_iter().zip(corrected) {
        slopes[place].p_adjusted = Some(p);
    }
    let conclusion = conclusion_of(names, shared.len(), &success, &slopes);
    let [a, b] = names.map(Clone::clone);
    Some(RoundsComparison { a, b, n_sessions: shared.len(), success, judged, slopes, conclusion })
}

fn success_differences(
    sessions: &[[&[RoundStatus]; 2]],
    settings: BootstrapSettings,
) -> Vec<SuccessDifference> {
    let difference = |of: PairedRound| SuccessDifference {
        round: of.round,
        sessions: of.sessions,
        rates: of.rates,
        a_only: of.a_only,
        b_only: of.b_only,
        difference: of.difference.value,
        interval: of.difference.interval,
        p: of.p_exact,
        p_adjusted: of.p_holm,
    };
    compare_paired(sessions, &REPORTED_ROUNDS, settings).into_iter().map(difference).collect()
}

const LEVEL: f64 = 0.05;

/// With fewer sessions no exact test can fall below the level.
const LEAST_SESSIONS: usize = 6;

/// No more than intervals and corrected tests allow.
fn conclusion_of(
    [a, b]: [&String; 2],
    n: usize,
    success: &[SuccessDifference],
    slopes: &[SlopeDifference],
) -> String {
    let is_clear = |interval: Option<(f64, f64)>| interval.is_none_or(|(low, high)| low > 0.0 || high < 0.0);
    let clear = success.iter().rev().find(|of| of.p_adjusted < LEVEL && is_clear(of.interval));
    let first = match clear {
        Some(of) => {
            let (better, worse) = if of.difference > 0.0 { (b, a) } else { (a, b) };
            let [low, high] = if of.difference > 0.0 { of.rates } else { [of.rates[1], of.rates[0]] };
            format!(
                "{better} holds more sessions through round {} than {worse}: {:.0} % against {:.0} % of {} (exact p {:.3} after \
                 correction).",
                of.round,
                100.0 * high,
                100.0 * low,
                of.sessions,
                of.p_adjusted
            )
        }
        None if n < LEAST_SESSIONS => format!(
            "{a} and {b} share {n} {}, too few to distinguish them.",
            if n == 1 { "session" } else { "sessions" }
        ),
        None => format!("No significant difference in how long sessions hold over the {n} that both have."),
    };
    let drifting =
        slopes.iter().filter(|of| of.p_adjusted.is_some_and(|p| p < LEVEL) && is_clear(of.interval));
    let drifting: Vec<String> = drifting
        .map(|of| format!("{} ({:+.2} {} per round from {a} to {b})", of.name, of.difference, of.unit))
        .collect();
    match drifting.is_empty() {
        true => first,
        false => format!("{first} They drift differently in {}.", drifting.join(", ")),
    }
}

fn sessions_of(pairs: &[Pair<'_>], names: &[String]) -> Vec<SessionView> {
    let mut ids: Vec<&String> = Vec::new();
    for pair in pairs.iter().filter(|pair| pair.session.repeats.is_none()) {
        if !ids.contains(&&pair.session.id) {
            ids.push(&pair.session.id);
        }
    }
    let session = |id: &String| {
        let of_session: Vec<(usize, &Pair<'_>)> =
            pairs.iter().enumerate().filter(|(_, pair)| pair.session.id == *id).collect();
        let mut models: Vec<SessionModelView> = of_session
            .iter()
            .map(|(place, pair)| {
                let model = names.iter().position(|name| *name == name_of(pair.session)).unwrap_or(0);
                SessionModelView {
                    model,
                    place: *place,
                    rounds: pair.measured.rounds.iter().map(round_view).collect(),
                    notes: session_notes(pair),
                }
            })
            .collect();
        models.sort_by_key(|model| model.model);
        let longest = of_session.iter().max_by_key(|(_, pair)| pair.session.instructions.len());
        SessionView {
            id: id.clone(),
            instructions: longest.map(|(_, pair)| pair.session.instructions.clone()).unwrap_or_default(),
            source: String::new(),
            models,
        }
    };
    ids.into_iter().map(session).collect()
}

fn round_view(round: &MeasuredRound) -> SessionRoundView {
    let named =
        |measure: &Measure| Some((format!("{}, {}", measure.name, measure.unit), (measure.of)(round)?));
    SessionRoundView {
        round: round.round,
        status: round.status.clone(),
        reasons: round.reasons.clone(),
        registration: round.registration.clone(),
        registration_previous: round.registration_previous.clone(),
        numbers: MEASURES.iter().filter_map(named).collect(),
        numbers_previous: PARTS.iter().filter_map(|(measure, ..)| named(measure)).collect(),
        region: round.region,
        earlier_edits: round
            .earlier_edits
            .iter()
            .filter_map(|(edit, found)| Some((*edit, (*found)?)))
            .collect(),
        objects: round.objects.iter().map(object_view).collect(),
        unmeasured_objects: of_objects(round).map(|(name, reason)| (name.clone(), reason.clone())).collect(),
        ..SessionRoundView::default()
    }
}

fn object_view(object: &MeasuredObject) -> ObjectView {
    let MeasuredObject { name, score, region, dino, l1, problem } = object.clone();
    ObjectView { name, score, region, dino, l1, problem }
}

/// Why numbers of objects and background do not exist, by their names.
fn of_objects(round: &MeasuredRound) -> impl Iterator<Item = (&String, &String)> {
    round.not_measured.iter().filter(|(name, _)| is_of_objects(name))
}

/// Of all rounds of which nothing is known about objects or background for one reason, a sentence.
fn notes_of_objects(rounds: &[&MeasuredRound]) -> Vec<String> {
    let mut by_reason: Vec<(&str, &String, Vec<String>)> = Vec::new();
    for round in rounds {
        for (of, what) in [("objects.l1", "Objects"), ("background.l1", "The background")] {
            let Some(reason) = round.not_measured.get(of) else { continue };
            let number = round.round.to_string();
            match by_reason.iter_mut().find(|known| known.0 == what && known.1 == reason) {
                Some((_, _, numbers)) => numbers.push(number),
                None => by_reason.push((what, reason, vec![number])),
            }
        }
    }
    let note = |(what, reason, numbers): (&str, &String, Vec<String>)| {
        let rounds = if numbers.len() == 1 { "round" } else { "rounds" };
        let verb = if what == "Objects" { "are" } else { "is" };
        format!("{what} {verb} not compared in {rounds} {}: {reason}.", numbers.join(", "))
    };
    by_reason.into_iter().map(note).collect()
}

/// What follows from how the rounds register.
fn session_notes(pair: &Pair<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if !pair.measured.problem.is_empty() {
        notes.push(pair.measured.problem.clone());
        return notes;
    }
    let rounds: Vec<&MeasuredRound> =
        pair.measured.rounds.iter().filter(|round| !round.registration.is_empty()).collect();
    let redrawn: Vec<u32> =
        rounds.iter().filter(|round| round.registration != "ok").map(|round| round.round).collect();
    let kept: Vec<&&MeasuredRound> =
        rounds.iter().filter(|round| round.previous > 0 && round.registration_previous == "ok").collect();
    if let Some(first) = redrawn.first() {
        let list: Vec<String> = redrawn.iter().map(u32::to_string).collect();
        let what = if redrawn.len() == 1 { "Round" } else { "Rounds" };
        let verb = if redrawn.len() == 1 { "does" } else { "do" };
        notes.push(format!(
            "{what} {} {verb} not register with the source, as when a scene is redrawn; pixels are not compared with it.",
            list.join(", ")
        ));
        if let Some(round) = kept.iter().find(|round| round.round > *first) {
            notes.push(format!(
                "Round {} registers with round {}, so that image is kept, and the round's changes are measured against it.",
                round.round, round.previous
            ));
        }
    }
    let is_unequal = |round: &&&MeasuredRound| round.not_measured.contains_key("sharp.lap_var_ratio");
    if rounds.iter().filter(is_unequal).count() > 0 {
        notes.push(
            "The images differ in size from the source, so sharpness, noise and spectra are not compared with it."
                .to_owned(),
        );
    }
    notes.extend(notes_of_objects(&rounds));
    notes
}

fn limits() -> Vec<String> {
    let (low, high) = SHARPNESS_RANGE;
    vec![format!(
        "A round holds if it registers with the source, at least {:.0} % of the source's tiles survive, content outside the edit stays below {MOST_CONTENT_DE:.0} dE and tone below {MOST_TONE_DE:.0} dE, and the variance of the Laplacian stays between {low} and {high} times that of the source. These limits are imgeval's own choices, not standards; whether instructions were followed is not measured.",
        100.0 * LEAST_SURVIVAL
    )]
}

fn notes_of(pairs: &[Pair<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let counted = |status: &str| {
        let rounds = pairs.iter().flat_map(|pair| &pair.measured.rounds);
        rounds.filter(|round| round.status == status).count()
    };
    let (refused, missing) = (counted("refused"), counted("missing"));
    if refused + missing > 0 {
        notes.push(format!(
            "{refused} rounds were refused and {missing} are missing; they count as failures in success by round, and the survival curves show both readings."
        ));
    }
    let lengths: Vec<usize> = pairs.iter().map(|pair| pair.measured.rounds.len()).collect();
    if lengths.iter().min() != lengths.iter().max() {
        notes.push(
            "Sessions have different numbers of rounds; each number covers the sessions that reach its round.".to_owned(),
        );
    }
    if pairs.iter().any(|pair| pair.session.is_control) {
        notes.push(
            "What a round added is compared with its floor, the largest value that any control shows: changes that a model makes when instructed to change nothing count as nothing there, and appear in the table of that control."
                .to_owned(),
        );
    }
    let n_controls = pairs.iter().filter(|pair| pair.session.is_control).count();
    if n_controls == 0 {
        notes.push(
            "Without a control, parts of the drift are compared only with the resolution of the measures."
                .to_owned(),
        );
    }
    notes
}

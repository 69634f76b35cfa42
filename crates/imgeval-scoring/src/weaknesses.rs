//! The weaknesses of a run's generator: measures by group of cases with intervals, controls and a verdict that says no more than
//! the control allows (docs/weaknesses.md).

mod sample;
mod specs;

use std::collections::BTreeMap;

use imgeval_core::{CaseId, ImageRecord, SampleId};
use imgeval_metrics::{BootstrapSettings, PairedStratum, paired_difference, paired_shift, unpaired_shift};
use imgeval_report::weaknesses::{ControlView, WeaknessLine, WeaknessesView};
use imgeval_suites::{
    checks::{
        answers_of,
        measures::{LINES, Measures, RENDERED_LINES},
        sureness_of,
    },
    suite::SuiteCase,
};

use self::specs::{COLOR, Spec, TEXT, specs_of};
use crate::{Evaluator, Measured, MeasuredImage, Run, SampleState, ScoringError};

/// What a reader made of a plain rendering of the lines that were asked for, in the place of what it read in the image.
struct RenderedText<'a>(MeasuredImage<'a>);

impl Measures for RenderedText<'_> {
    fn number(&self, name: &str) -> Option<f64> {
        self.0.number(name)
    }

    fn word(&self, name: &str) -> Option<&str> {
        self.0.word(if name == LINES { RENDERED_LINES } else { name })
    }
}

/// Images with nothing to be compared with but their kind: photographs, or another model's answers to the same prompts.
#[derive(Debug, Clone, Default)]
pub struct ColorReference {
    pub name: String,
    /// Mean L, a and b of each image, by case where the cases are the same.
    pub means: Vec<(Option<CaseId>, [f64; 3])>,
}

/// How sure the judge is; no weakness of a generator.
const CANNOT_TELL: &str = "a judge cannot tell";
const SECOND_THOUGHTS: &str = "a judge changes its answer when asked again";

/// Values by case: the means of their samples.
type ByCase = BTreeMap<CaseId, f64>;

/// Sums by case, each with how many values it is of.
type Sums = BTreeMap<CaseId, (f64, usize)>;

impl Run {
    /// Everything that was measured on its images, in a table of weaknesses.
    ///
    /// # Errors
    /// If the run cannot be read.
    pub fn weaknesses(
        &self,
        name: &str,
        reference: Option<&ColorReference>,
        settings: BootstrapSettings,
    ) -> Result<WeaknessesView, ScoringError> {
        let images = self.usable_images()?;
        let measured = self.measured_on(&images)?;
        let mut lines = Vec::new();
        for spec in specs_of(self) {
            let values = self.by_case(&measured, &images, spec, spec.value);
            let expected = self.cases().values().filter(|case| spec.takes(self, case)).count();
            if expected == 0 {
                continue;
            }
            let control = spec
                .control
                .as_ref()
                .map(|(title, of)| (*title, self.by_case(&measured, &images, spec, *of)));
            lines.push(line_of(spec, &values, control.as_ref(), expected, settings));
        }
        lines.extend(self.text_lines(&measured, &images, settings));
        lines.extend(self.decided_lines(settings)?);
        lines.extend(self.color_lines(&measured, &images, reference));
        let mut notes = Vec::new();
        if !measured.holds_measures() {
            notes.push("nothing has been measured on this run yet".to_owned());
        }
        let reference = reference.map(|reference| reference.name.clone()).unwrap_or_default();
        let meters = measured.meters().to_vec();
        Ok(WeaknessesView { run: name.to_owned(), meters, reference, lines, notes, figures: Vec::new() })
    }

    /// Values of a spec by case.
    fn by_case(
        &self,
        measured: &Measured,
        images: &BTreeMap<SampleId, ImageRecord>,
        spec: &Spec,
        value: fn(&MeasuredImage<'_>) -> Option<f64>,
    ) -> ByCase {
        let mut sums = Sums::new();
        for id in images.keys() {
            let Some(case) = self.cases().get(&id.case).filter(|case| spec.takes(self, case)) else {
                continue;
            };
            if let Some(value) =
                measured.of(id).and_then(|image| value(&image)).filter(|value| value.is_finite())
            {
                let (sum, n) = sums.entry(case.id.clone()).or_default();
                *sum += value;
                *n += 1;
            }
        }
        sums.into_iter().map(|(case, (sum, n))| (case, sum / n as f64)).collect()
    }

    /// Characters that are wrong, by writing system, against a plain rendering of the same lines: the reader's own errors.
    fn text_lines(
        &self,
        measured: &Measured,
        images: &BTreeMap<SampleId, ImageRecord>,
        settings: BootstrapSettings,
    ) -> Vec<WeaknessLine> {
        let mut groups: BTreeMap<String, [Sums; 2]> = BTreeMap::new();
        for id in images.keys() {
            let (Some(case), Some(image)) = (self.cases().get(&id.case), measured.of(id)) else { continue };
            let check = self.checks().get(&id.case).and_then(|checks| checks.find("text"));
            let Some(check) = check else { continue };
            let of_group = groups.entry(self.group_name(case)).or_default();
            let control = RenderedText(image);
            for (values, read) in of_group.iter_mut().zip([&image as &dyn Measures, &control]) {
                if let Ok(value) = check.check.value_of_measures(read) {
                    let (sum, n) = values.entry(id.case.clone()).or_default();
                    *sum += 100.0 * (1.0 - value);
                    *n += 1;
                }
            }
        }
        let mean = |(case, (sum, n)): (CaseId, (f64, usize))| (case, sum / n as f64);
        let lines = groups.into_iter().map(|(group, values)| {
            let expected = self.cases().values().filter(|case| self.group_name(case) == group).count();
            let [values, control] = values.map(|of| of.into_iter().map(mean).collect::<ByCase>());
            let control = (!control.is_empty()).then_some(("a plain rendering", control));
            WeaknessLine { group, ..line_of(&TEXT, &values, control.as_ref(), expected, settings) }
        });
        lines.collect()
    }

    /// What detectors and judges decided, check by check.
    fn decided_lines(&self, settings: BootstrapSettings) -> Result<Vec<WeaknessLine>, ScoringError> {
        let evaluator =
            self.evaluators().iter().find(|evaluator| matches!(evaluator, Evaluator::Checks { .. }));
        let Some(evaluator) = evaluator else { return Ok(Vec::new()) };
        let mut values: BTreeMap<(String, String), Sums> = BTreeMap::new();
        self.for_each_sample(Some(evaluator), |result| {
            if let (SampleState::Checked(checked), Some(case)) = (&result.state, result.case) {
                let replies = checked.replies.iter().filter_map(|reply| answers_of(reply).ok());
                for sureness in replies.map(|answers| sureness_of(&answers)) {
                    let shares = [
                        (CANNOT_TELL, sureness.cannot_tell, sureness.answers),
                        (SECOND_THOUGHTS, sureness.differing, sureness.asked_twice),
                    ];
                    for (measure, part, all) in shares.into_iter().filter(|(.., all)| *all > 0) {
                        let of_measure =
                            values.entry((self.group_name(case), measure.to_owned())).or_default();
                        let (sum, n) = of_measure.entry(case.id.clone()).or_default();
                        *sum += 100.0 * part as f64 / all as f64;
                        *n += 1;
                    }
                }
                for (name, value) in &checked.checks {
                    if let Some(measure) = specs::decided(name) {
                        let group = self.group_name(case);
                        let of_measure = values.entry((group, measure.to_owned())).or_default();
                        let (sum, n) = of_measure.entry(case.id.clone()).or_default();
                        *sum += 100.0 * (1.0 - value);
                        *n += 1;
                    }
                }
            }
            Ok::<_, ScoringError>(())
        })?;
        let line = |((group, measure), values): ((String, String), Sums)| {
            let expected = self.cases().values().filter(|case| self.group_name(case) == group).count();
            let values: ByCase = values.into_iter().map(|(case, (sum, n))| (case, sum / n as f64)).collect();
            let mean = mean_of(&values);
            let verdict = mean.map_or_else(String::new, |mean| match measure.as_str() {
                CANNOT_TELL | SECOND_THOUGHTS => format!("{measure} in {mean:.0} % of answers"),
                _ => format!(
                    "{measure} in {mean:.0} %; without a control, compare with other models, not with zero"
                ),
            });
            WeaknessLine {
                n: values.len(),
                n_missing: expected.saturating_sub(values.len()),
                interval: interval_of(values.values().copied().collect(), settings),
                group,
                measure,
                unit: "%".to_owned(),
                value: mean,
                control: None,
                verdict,
            }
        };
        Ok(values.into_iter().map(line).collect())
    }

    /// The group of a case, and the group within it.
    fn group_name(&self, case: &SuiteCase) -> String {
        match self.suite().group_of(case) {
            Some(group) => format!("{} ({group})", case.tag),
            None if case.tag.is_empty() => "all".to_owned(),
            None => case.tag.clone(),
        }
    }

    /// The mean color of images that no source stands beside, against a reference.
    fn color_lines(
        &self,
        measured: &Measured,
        images: &BTreeMap<SampleId, ImageRecord>,
        reference: Option<&ColorReference>,
    ) -> Vec<WeaknessLine> {
        let mut lines = Vec::new();
        for (spec, channel) in COLOR.iter().zip([0, 1, 2]) {
            let values = self.by_case(measured, images, spec, spec.value);
            let expected = self.cases().values().filter(|case| spec.takes(self, case)).count();
            if expected == 0 {
                continue;
            }
            let (n, mean) = (values.len(), mean_of(&values));
            let mut line = WeaknessLine {
                group: "color".to_owned(),
                measure: spec.measure.to_owned(),
                unit: spec.unit.to_owned(),
                value: mean,
                interval: interval_of(values.values().copied().collect(), BootstrapSettings::default()),
                n,
                n_missing: expected - n,
                control: None,
                verdict: "without a reference, there is no zero to compare with".to_owned(),
            };
            if let (Some(reference), Some(mean)) = (reference, mean) {
                line.control = color_control(reference, &values, mean, channel);
                line.verdict = match &line.control {
                    Some(control) => color_verdict(spec, control),
                    None => "the reference has too few images".to_owned(),
                };
            }
            lines.push(line);
        }
        lines
    }
}

/// Paired by case where the reference has the same ones, else unpaired.
fn color_control(
    reference: &ColorReference,
    values: &ByCase,
    mean: f64,
    channel: usize,
) -> Option<ControlView> {
    let mut of_case: BTreeMap<&CaseId, (f64, usize)> = BTreeMap::new();
    for (case, means) in &reference.means {
        if let Some(case) = case {
            let (sum, n) = of_case.entry(case).or_default();
            *sum += means[channel];
            *n += 1;
        }
    }
    let paired: Vec<(f64, f64)> = values
        .iter()
        .filter_map(|(case, value)| of_case.get(case).map(|(sum, n)| (*value, sum / *n as f64)))
        .collect();
    if paired.len() == values.len() && paired.len() > 1 {
        let differences: Vec<f64> = paired.iter().map(|(value, of_reference)| value - of_reference).collect();
        let shift = paired_shift(&differences)?;
        return Some(ControlView {
            name: format!("{}, paired by case", reference.name),
            value: paired.iter().map(|(_, of_reference)| of_reference).sum::<f64>() / paired.len() as f64,
            difference: shift.mean,
            difference_interval: interval_of(differences, BootstrapSettings::default()),
            p: Some(shift.wilcoxon_p),
        });
    }
    let others: Vec<f64> = reference.means.iter().map(|(_, means)| means[channel]).collect();
    let own: Vec<f64> = values.values().copied().collect();
    let shift = unpaired_shift(&others, &own)?;
    let of_reference = others.iter().sum::<f64>() / others.len() as f64;
    // Welch: both standard errors, and two of them for 95 %.
    let error = (square_error(&others) + square_error(&own)).sqrt();
    Some(ControlView {
        name: format!("{}, unpaired", reference.name),
        value: of_reference,
        difference: mean - of_reference,
        difference_interval: Some((shift.difference - 2.0 * error, shift.difference + 2.0 * error)),
        p: Some(shift.mannwhitney_p),
    })
}

fn square_error(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0) / n
}

fn color_verdict(spec: &Spec, control: &ControlView) -> String {
    let is_told_apart = is_told_apart(control);
    let p = control.p.map_or_else(String::new, |p| format!(", exact p {p:.3}"));
    let difference = control.difference;
    match is_told_apart {
        true => format!("{} by {difference:+.1} against {}{p}", spec.sentence, control.name),
        false => format!("no significant shift against {}{p}", control.name),
    }
}

fn mean_of(values: &ByCase) -> Option<f64> {
    (!values.is_empty()).then(|| values.values().sum::<f64>() / values.len() as f64)
}

fn interval_of(values: Vec<f64>, settings: BootstrapSettings) -> Option<(f64, f64)> {
    let strata = [PairedStratum { key: 300, weight: 1.0, differences: values }];
    paired_difference(&strata, settings).and_then(|estimate| estimate.interval)
}

fn line_of(
    spec: &Spec,
    values: &ByCase,
    control: Option<&(&'static str, ByCase)>,
    expected: usize,
    settings: BootstrapSettings,
) -> WeaknessLine {
    let value = mean_of(values);
    let control = control.and_then(|(name, of_control)| {
        let pairs: Vec<(f64, f64)> =
            values.iter().filter_map(|(case, value)| Some((*value, *of_control.get(case)?))).collect();
        let differences: Vec<f64> = pairs.iter().map(|(value, control)| value - control).collect();
        let n = pairs.len() as f64;
        (n > 0.0).then(|| ControlView {
            name: (*name).to_owned(),
            value: pairs.iter().map(|(_, control)| control).sum::<f64>() / n,
            difference: differences.iter().sum::<f64>() / n,
            p: paired_shift(&differences).map(|shift| shift.wilcoxon_p),
            difference_interval: interval_of(differences, settings),
        })
    });
    WeaknessLine {
        group: spec.group.to_owned(),
        measure: spec.measure.to_owned(),
        unit: spec.unit.to_owned(),
        value,
        interval: interval_of(values.values().copied().collect(), settings),
        n: values.len(),
        n_missing: expected.saturating_sub(values.len()),
        verdict: verdict_of(spec, value, control.as_ref()),
        control,
    }
}

/// In words that say no more than the control allows.
fn verdict_of(spec: &Spec, value: Option<f64>, control: Option<&ControlView>) -> String {
    let Some(value) = value else { return "not measured on any image".to_owned() };
    let number = |value: f64| format!("{value:.1} {}", spec.unit).trim_end().to_owned();
    let told = format!("{} {}", spec.sentence, number(value));
    let Some(control) = control else { return format!("{told}; no control") };
    let of_control = format!("{} {}", control.name, number(control.value));
    match control.difference_interval {
        _ if is_told_apart(control) => format!("{told}, {of_control}"),
        // Of cases that are all equal to their controls there is no interval either.
        None if control.difference != 0.0 => {
            format!("{told}, {of_control}; too few cases to distinguish them")
        }
        _ => format!("no more than the control: {}, {of_control}", number(value)),
    }
}

/// Whether both the interval and the exact test exclude that value and control are the same.
fn is_told_apart(control: &ControlView) -> bool {
    let excludes_zero = control.difference_interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0);
    excludes_zero && control.p.is_some_and(|p| p < 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(values: &[f64]) -> ByCase {
        (0..).zip(values).map(|(at, value)| (CaseId::new(format!("{at}")), *value)).collect()
    }

    const SPEC: Spec = Spec {
        group: "identity",
        subgroup: None,
        measure: "cut off",
        unit: "%",
        value: |_| None,
        control: None,
        sentence: "cuts off",
    };

    #[test]
    fn a_verdict_says_no_more_than_its_control() {
        // An interval needs about ten cases.
        let line = |own: &[f64], control: &[f64]| {
            line_of(
                &SPEC,
                &values(&own.repeat(2)),
                Some(&("a resize", values(&control.repeat(2)))),
                2 * own.len() + 1,
                BootstrapSettings::default(),
            )
        };
        let far = line(&[3.0, 4.0, 5.0, 4.0, 3.5, 4.5], &[0.2, 0.0, 0.2, 0.0, 0.2, 0.0]);
        assert_eq!(far.verdict, "cuts off 4.0 %, a resize 0.1 %");
        assert_eq!((far.n, far.n_missing), (12, 1));
        let control = far.control.unwrap();
        assert!((control.difference - 3.9).abs() < 1e-9 && control.p.unwrap() < 0.05);
        let near = line(&[0.1, 0.0, 0.2, 0.0, 0.1, 0.1], &[0.1, 0.1, 0.1, 0.0, 0.2, 0.0]);
        assert!(near.verdict.starts_with("no more than the control"), "{}", near.verdict);
        let none = line(&[], &[]);
        assert_eq!((none.value, none.control), (None, None));
        assert_eq!(none.verdict, "not measured on any image");
    }

    #[test]
    fn colors_are_paired_where_the_cases_are_the_same() {
        let own = values(&[8.0, 9.0, 10.0, 9.5, 8.5, 9.0]);
        let mean = mean_of(&own).unwrap();
        let paired = ColorReference {
            name: "r".to_owned(),
            means: own.keys().map(|case| (Some(case.clone()), [50.0, 0.0, 2.0])).collect(),
        };
        let control = color_control(&paired, &own, mean, 2).unwrap();
        assert_eq!(control.name, "r, paired by case");
        assert!((control.difference - 7.0).abs() < 1e-9 && control.p.unwrap() < 0.05);
        let alone = ColorReference {
            means: (0..6).map(|at| (None, [50.0, 0.0, 2.0 + f64::from(at)])).collect(),
            ..paired
        };
        let control = color_control(&alone, &own, mean, 2).unwrap();
        assert_eq!(control.name, "r, unpaired");
        assert!((control.difference - 4.5).abs() < 1e-9);
    }
}

//! Which images the qualitative figure shows: those asked for by id, or a seeded sample of right and wrong ones.

use std::collections::BTreeMap;

use imgeval_report::model::SampleView;

/// At most so many of each kind.
const MOST_OF_A_KIND: usize = 6;
/// A judged image this good counts as right, one below the other as wrong; those between are neither.
const GOOD: f64 = 0.75;
const BAD: f64 = 0.5;

/// Sees every sample once and keeps the few that are shown.
pub struct Examples {
    asked: Vec<String>,
    seed: u64,
    found: BTreeMap<(usize, usize, u32), SampleView>,
    right: Kept,
    wrong: Kept,
}

/// The samples with the smallest draws so far: a sample without replacement, however many are offered.
#[derive(Default)]
struct Kept(BTreeMap<(u64, usize, String, u32), SampleView>);

impl Kept {
    fn offer(&mut self, draw: u64, view: &SampleView) {
        if self.0.len() >= MOST_OF_A_KIND
            && self.0.last_key_value().is_some_and(|((most, ..), _)| *most <= draw)
        {
            return;
        }
        self.0.insert((draw, view.run, view.case.clone(), view.index), view.clone());
        if self.0.len() > MOST_OF_A_KIND {
            self.0.pop_last();
        }
    }
}

impl Examples {
    /// `asked` are cases, such as `00052` or `00052/0001` for one image of several; without any, the seed draws.
    pub fn new(asked: &[String], seed: u64) -> Self {
        Self {
            asked: asked.to_vec(),
            seed,
            found: BTreeMap::new(),
            right: Kept::default(),
            wrong: Kept::default(),
        }
    }

    pub fn offer(&mut self, view: &SampleView) {
        if view.image.is_none() {
            return;
        }
        if !self.asked.is_empty() {
            let id = format!("{}/{:04}", view.case, view.index);
            let place = self.asked.iter().position(|asked| *asked == view.case || *asked == id);
            if let Some(place) = place {
                self.found.entry((place, view.run, view.index)).or_insert_with(|| view.clone());
            }
            return;
        }
        let draw = draw_of(self.seed, view);
        match is_right(view) {
            Some(true) => self.right.offer(draw, view),
            Some(false) => self.wrong.offer(draw, view),
            None => {}
        }
    }

    /// In the order asked for, or right ones before wrong ones; and which of the ids asked for were not found.
    pub fn finish(self) -> (Vec<SampleView>, Vec<String>) {
        if self.asked.is_empty() {
            return (self.right.0.into_values().chain(self.wrong.0.into_values()).collect(), Vec::new());
        }
        let is_missing = |place: usize| !self.found.keys().any(|(found, ..)| *found == place);
        let asked = self.asked.iter().enumerate();
        let missing = asked.filter(|(place, _)| is_missing(*place)).map(|(_, id)| id.clone()).collect();
        (self.found.into_values().collect(), missing)
    }
}

/// By the first observer who has an opinion; `None` if nobody has, or it is neither.
fn is_right(view: &SampleView) -> Option<bool> {
    let opinion = view.opinions.iter().find(|opinion| opinion.score.is_some())?;
    opinion.is_correct.or(match opinion.score? {
        score if score >= GOOD => Some(true),
        score if score < BAD => Some(false),
        _ => None,
    })
}

/// A number that depends on seed and sample alone (FNV-1a, then the finaliser of SplitMix64).
fn draw_of(seed: u64, view: &SampleView) -> u64 {
    let numbers = [seed, view.run as u64, u64::from(view.index)];
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).chain(view.case.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use imgeval_report::model::{ImageView, Opinion};

    use super::*;

    fn view(case: usize, is_correct: bool) -> SampleView {
        SampleView {
            run: 0,
            case: format!("{case:05}"),
            index: 0,
            part: String::new(),
            prompt: String::new(),
            expectation: String::new(),
            outcome: "ok".to_owned(),
            detail: String::new(),
            image: Some(ImageView { hash: String::new(), extension: "png".to_owned(), width: 1, height: 1 }),
            input: None,
            opinions: vec![Opinion {
                observer: 0,
                outcome: "ok".to_owned(),
                detail: String::new(),
                score: Some(f64::from(u8::from(is_correct))),
                is_correct: Some(is_correct),
                reasons: String::new(),
                uncertainty: None,
                replies: Vec::new(),
                objects: Vec::new(),
            }],
            measures: Vec::new(),
            registration: String::new(),
            overlays: Vec::new(),
        }
    }

    fn chosen(seed: u64, cases: impl Iterator<Item = usize>) -> Vec<String> {
        let mut examples = Examples::new(&[], seed);
        cases.for_each(|case| examples.offer(&view(case, case % 3 == 0)));
        examples.finish().0.into_iter().map(|view| view.case).collect()
    }

    #[test]
    fn a_seed_draws_right_and_wrong_ones_whatever_their_order() {
        let drawn = chosen(1, 0..100);
        assert_eq!(drawn, chosen(1, (0..100).rev()));
        assert_ne!(drawn, chosen(2, 0..100));
        let numbers: Vec<usize> = drawn.iter().map(|case| case.parse().unwrap()).collect();
        assert!(numbers[..6].iter().all(|case| case % 3 == 0), "{numbers:?}");
        assert!(numbers[6..].iter().all(|case| case % 3 != 0), "{numbers:?}");
        assert_eq!(numbers.len(), 12);
    }

    #[test]
    fn ids_are_shown_in_the_order_asked_for_and_missing_ones_named() {
        let asked = ["00007", "00003/0000", "00999"].map(str::to_owned);
        let mut examples = Examples::new(&asked, 0);
        (0..10).for_each(|case| examples.offer(&view(case, true)));
        let (found, missing) = examples.finish();
        assert_eq!(found.iter().map(|view| view.case.as_str()).collect::<Vec<_>>(), ["00007", "00003"]);
        assert_eq!(missing, ["00999"]);
    }
}

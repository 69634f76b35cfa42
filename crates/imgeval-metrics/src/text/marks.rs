//! Which characters of a reading are right, for images that show where.

use super::{
    Fragment, TextNotMeasurable, WordSpaces,
    alignment::matched_places,
    measure::measure_text,
    normalize::{compared, normalize_text},
};

/// What one character of a reading is against the lines asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It stands where it was asked for.
    Right,
    /// It stands in the place of another one.
    Wrong,
    /// Nothing was asked for in its place.
    Extra,
    /// White space, which is not compared.
    Space,
}

/// A reading, character by character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedText {
    /// For each fragment, in the order in which they were given, its normalized characters.
    pub fragments: Vec<Vec<(char, Mark)>>,
    /// For each target the characters that have nothing in their place; all of it without an answer.
    pub missing: Vec<usize>,
}

/// Marks every character that was read, by the pairs and the alignment of [`measure_text`].
///
/// Between two characters that are equal in both, those of the answer stand in the places of those of the target one by one; what
/// is left of the answer is extra, what is left of the target is missing.
///
/// # Errors
/// As [`measure_text`].
pub fn mark_characters<Text: AsRef<str>>(
    targets: &[Text],
    fragments: &[Fragment],
    spaces: WordSpaces,
) -> Result<MarkedText, TextNotMeasurable> {
    let measured = measure_text(targets, fragments, spaces)?;
    let order: Vec<usize> = measured.rows.into_iter().flatten().collect();
    let texts: Vec<String> =
        fragments.iter().map(|fragment| normalize_text(&fragment.text, WordSpaces::Kept)).collect();
    let mut marks: Vec<Vec<Mark>> =
        texts.iter().map(|text| vec![Mark::Extra; compared(text).len()]).collect();
    let mut missing = Vec::with_capacity(targets.len());
    for (target, answer) in targets.iter().zip(&measured.matches) {
        let target = compared(&normalize_text(target.as_ref(), spaces));
        let Some([first, last]) = answer else {
            missing.push(target.len());
            continue;
        };
        let members = &order[*first..=*last];
        let answer: Vec<char> = members.iter().flat_map(|index| compared(&texts[*index])).collect();
        let (marked, n_missing) = align(&target, &answer);
        missing.push(n_missing);
        let places =
            members.iter().flat_map(|index| (0..marks[*index].len()).map(move |place| (*index, place)));
        let places: Vec<(usize, usize)> = places.collect();
        for ((index, place), mark) in places.into_iter().zip(marked) {
            marks[index][place] = mark;
        }
    }
    let with_spaces = |(text, marks): (&String, Vec<Mark>)| {
        let mut marks = marks.into_iter();
        let mark = |character: char| match character.is_whitespace() {
            true => (character, Mark::Space),
            false => (character, marks.next().unwrap_or(Mark::Extra)),
        };
        text.chars().map(mark).collect()
    };
    Ok(MarkedText { fragments: texts.iter().zip(marks).map(with_spaces).collect(), missing })
}

/// A mark for each character of the answer, and how many of the target are missing.
fn align(target: &[char], answer: &[char]) -> (Vec<Mark>, usize) {
    let places = matched_places(target, answer);
    let mut marks = vec![Mark::Extra; answer.len()];
    let (mut n_missing, mut n_open, mut next) = (0, 0, 0);
    for place in places.into_iter().map(Some).chain([None]) {
        let end = match place {
            Some(None) => {
                n_open += 1;
                continue;
            }
            Some(Some(end)) => end,
            None => answer.len(),
        };
        let n_wrong = n_open.min(end - next);
        marks[next..next + n_wrong].fill(Mark::Wrong);
        n_missing += n_open - n_wrong;
        if let Some(mark) = marks.get_mut(end) {
            *mark = Mark::Right;
        }
        (n_open, next) = (0, end + 1);
    }
    (marks, n_missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(targets: &[&str], read: &[&str], expected: &[&str], missing: &[usize]) {
        let fragments: Vec<Fragment> = (0..)
            .zip(read)
            .map(|(row, text)| {
                let top = f64::from(row) * 30.0;
                let corners = [[0.0, top], [90.0, top], [90.0, top + 20.0], [0.0, top + 20.0]];
                Fragment { corners, text: (*text).to_owned() }
            })
            .collect();
        let marked = mark_characters(targets, &fragments, WordSpaces::Kept).unwrap();
        let letter = |(_, mark): &(char, Mark)| match mark {
            Mark::Right => '+',
            Mark::Wrong => 'x',
            Mark::Extra => 'e',
            Mark::Space => ' ',
        };
        let found: Vec<String> =
            marked.fragments.iter().map(|marks| marks.iter().map(letter).collect()).collect();
        assert_eq!(
            (found, marked.missing),
            (expected.iter().map(|text| (*text).to_owned()).collect(), missing.to_vec())
        );
    }

    #[test]
    fn characters_are_right_wrong_extra_or_missing() {
        check(&["OPEN daily"], &["open  DAILY"], &["++++ +++++"], &[0]);
        check(&["8 to 6"], &["8 t0 6"], &["+ +x +"], &[0]);
        check(&["coffee"], &["cofffee!"], &["++e++++e"], &[0]);
        check(&["coffee", "tea"], &["cofe", "SALE"], &["++++", "eeee"], &[2, 3]);
        check(&["coffee"], &[], &[], &[6]);
    }
}

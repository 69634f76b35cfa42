//! The recognizer's output as text.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

/// What the recognizer can write: class 0 is nothing, the last one a space, those between are the lines of the dictionary.
#[derive(Debug)]
pub(super) struct Alphabet {
    symbols: Vec<String>,
    characters: BTreeSet<char>,
}

impl Alphabet {
    /// From the text in the model's metadata, a symbol a line.
    pub(super) fn parse(dictionary: &str) -> Self {
        let mut symbols = vec![String::new()];
        symbols.extend(dictionary.strip_suffix('\n').unwrap_or(dictionary).split('\n').map(str::to_owned));
        symbols.push(" ".to_owned());
        let known = symbols.iter().flat_map(|symbol| symbol.chars().chain(symbol.nfkc()));
        let characters = known.collect();
        Self { symbols, characters }
    }

    /// Blank and space included.
    pub(super) fn n_classes(&self) -> usize {
        self.symbols.len()
    }

    /// Whether a character, as it is or after NFKC, is among the symbols.
    pub(super) fn knows(&self, character: char) -> bool {
        self.characters.contains(&character)
    }

    /// The text and its confidence, the mean probability of the symbols that are kept. `probabilities` are of one line, step by step.
    /// Of a run of steps that agree the first is kept, and none of those that say nothing.
    pub(super) fn decode(&self, probabilities: &[f32]) -> (String, f32) {
        let (mut text, mut sum, mut count, mut last) = (String::new(), 0.0_f64, 0_u32, 0);
        for step in probabilities.chunks_exact(self.n_classes()) {
            let (class, probability) = largest(step);
            if class != last && class != 0 {
                text.push_str(&self.symbols[class]);
                sum += f64::from(probability);
                count += 1;
            }
            last = class;
        }
        let confidence = if count == 0 { 0.0 } else { (sum / f64::from(count)) as f32 };
        (text, confidence)
    }
}

/// The place and value of the largest number, the first of equal ones.
pub(super) fn largest(values: &[f32]) -> (usize, f32) {
    // The maximum by itself is found many numbers at a time.
    let maximum = values
        .chunks(16)
        .map(|chunk| {
            chunk
                .iter()
                .fold(f32::NEG_INFINITY, |largest, value| if *value > largest { *value } else { largest })
        })
        .fold(f32::NEG_INFINITY, f32::max);
    (values.iter().position(|value| *value == maximum).unwrap_or(0), maximum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_one_symbol_unless_a_blank_parts_them() {
        let alphabet = Alphabet::parse("a\nb\n\u{3000}");
        assert_eq!(alphabet.n_classes(), 5);
        let step = |class: usize, probability: f32| {
            let mut step = vec![0.0; 5];
            step[class] = probability;
            step
        };
        let steps = [(0, 0.9), (1, 0.8), (1, 1.0), (0, 1.0), (1, 0.6), (2, 0.4), (4, 0.6), (0, 0.5)];
        let probabilities: Vec<f32> = steps.iter().flat_map(|(class, value)| step(*class, *value)).collect();
        let (text, confidence) = alphabet.decode(&probabilities);
        assert_eq!(text, "aab ");
        assert!((confidence - 0.6).abs() < 1e-6, "{confidence}");
        assert_eq!(alphabet.decode(&step(0, 1.0)), (String::new(), 0.0));
    }

    #[test]
    fn only_symbols_of_the_dictionary_are_known() {
        let alphabet = Alphabet::parse("a\nｂ");
        assert!(alphabet.knows('a') && alphabet.knows('b') && alphabet.knows(' '));
        assert!(!alphabet.knows('い') && !alphabet.knows('A'));
    }
}

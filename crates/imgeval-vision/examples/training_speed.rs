//! Measures training: `training_speed residual COUNT SIDE` prints the seconds of three epochs of the residual network on images of
//! noise, `training_speed clip FOLDER BATCH` the seconds of three steps of the CLIP whose weights lie in the folder.

use std::{
    error::Error,
    io::{self, Write},
    time::Instant,
};

use imgeval_core::Pixels;
use imgeval_vision::train::{NetworkKind, TrainingEvent, TrainingImages, TrainingSettings, train_network};

/// Noise, whose content does not matter to the time.
struct Noise {
    count: usize,
    side: u32,
}

impl TrainingImages for Noise {
    fn len(&self) -> usize {
        self.count
    }

    fn pixels(&self, index: usize) -> Result<Pixels, Box<dyn Error + Send + Sync>> {
        let mut state = index as u64 + 1;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let rgb = (0..3 * self.side * self.side).map(|_| draw()).collect();
        Pixels::new(self.side, self.side, rgb).ok_or_else(|| "no pixels".into())
    }

    fn label(&self, index: usize) -> usize {
        index % 2
    }

    fn identity(&self) -> String {
        "noise".to_owned()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (kind, training, settings) = match arguments.as_slice() {
        ["residual", count, side] => {
            let images = Noise { count: count.parse()?, side: side.parse()? };
            (NetworkKind::residual(), images, TrainingSettings::residual())
        }
        ["clip", folder, batch] => {
            let images = Noise { count: batch.parse()?, side: 224 };
            let settings = TrainingSettings { batch_size: images.count, ..TrainingSettings::clip() };
            (NetworkKind::clip(*folder), images, settings)
        }
        _ => return Err("usage: training_speed residual COUNT SIDE | clip FOLDER BATCH".into()),
    };
    let settings = TrainingSettings { epochs: 3, patience: None, ..settings };
    let validation = Noise { count: 2, side: training.side };
    let mut start = Instant::now();
    let mut listen = |event| match event {
        TrainingEvent::Started { n_parameters, .. } => {
            say(&format!("{n_parameters} parameters, {:.2} s to load", start.elapsed().as_secs_f64()));
            start = Instant::now();
        }
        TrainingEvent::Epoch(record) => {
            say(&format!("epoch {}: {:.2} s", record.epoch, start.elapsed().as_secs_f64()));
            start = Instant::now();
        }
        TrainingEvent::Step { .. } | TrainingEvent::StoppedEarly { .. } => {}
    };
    train_network(&kind, &training, &validation, 2, &settings, None, &mut listen)?;
    Ok(())
}

fn say(line: &str) {
    writeln!(io::stdout().lock(), "{line}").ok();
}

//! Durations for people.

use std::time::Duration;

/// Such as `0.4 s`, `35 s`, `12 min` and `1 h 12 min`.
#[must_use]
pub fn human_duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        120..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => {
            let minutes = seconds.div_ceil(60);
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_exact_as_people_want_them() {
        for (seconds, text) in [
            (0.0, "0.0 s"),
            (0.44, "0.4 s"),
            (35.2, "35 s"),
            (121.0, "3 min"),
            (3599.0, "60 min"),
            (3600.0, "1 h 0 min"),
            (4300.0, "1 h 12 min"),
        ] {
            assert_eq!(human_duration(Duration::from_secs_f64(seconds)), text);
        }
    }
}

//! How long to wait before the next try.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

/// Longer backoffs help nobody.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// A server that wants a longer wait than this has, for the user, stopped.
pub(super) const MAX_REQUESTED_WAIT: Duration = Duration::from_secs(300);

/// A request whose answer was lost may have been executed and billed, so the number of repetitions is limited.
pub(super) const MAX_LOST_RETRIES: u32 = 1;

/// Drawn evenly from zero to `base`, doubled with every try ("full jitter": <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
pub(super) fn backoff(base: Duration, tries: u32) -> Duration {
    let limit = base.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1))).min(MAX_DELAY);
    limit.mul_f64(fastrand::f64())
}

/// The wait that the server asks for: `retry-after-ms` (OpenAI's), or `Retry-After` in seconds or as a date.
pub(super) fn requested_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    if let Some(ms) = text("retry-after-ms").and_then(number) {
        return Some(Duration::try_from_secs_f64(ms / 1000.0).unwrap_or(Duration::MAX));
    }
    let after = text("retry-after")?;
    if let Some(seconds) = number(after) {
        return Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let date = httpdate::parse_http_date(after).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(name: &'static str, value: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        requested_wait(&headers, now)
    }

    #[test]
    fn the_wait_a_server_asks_for_is_read_in_every_form() {
        assert_eq!(wait("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("retry-after", "0.5"), Some(Duration::from_millis(500)));
        assert_eq!(wait("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(wait("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(wait("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("retry-after", "1e300"), Some(Duration::MAX));
        assert_eq!(wait("retry-after-ms", "1e300"), Some(Duration::MAX));
        for nonsense in ["", "soon", "-1", "NaN", "inf"] {
            assert_eq!(wait("retry-after", nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn backoff_stays_within_its_limits() {
        let base = Duration::from_secs(1);
        for tries in [1, 2, 3, 40, u32::MAX] {
            assert!((0..100).all(|_| backoff(base, tries) <= MAX_DELAY), "{tries}");
        }
        assert!((0..100).all(|_| backoff(base, 1) <= base));
        assert_eq!(backoff(Duration::ZERO, 9), Duration::ZERO);
    }
}

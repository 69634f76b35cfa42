//! How much memory this process may use, by what the system says.
//!
//! The smallest counts of: the limits of the process on its address space and data (`ulimit -v`, `-d`), those of its control
//! groups (version 1 and 2, with all groups above), and the machine's memory. Images get a part of it, [`SHARE`]; the rest is for
//! what else there is. Against a limit of the address space much counts that is never used: 64 MiB for
//! each thread that allocates, 2 MiB for each stack, and weights that are mapped.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Images may take this part of the memory, in hundredths.
pub const SHARE: u64 = 40;

/// Where the system says nothing.
const UNKNOWN: u64 = 4 << 30;

/// What images may take together, unless the user says otherwise.
#[must_use]
pub fn default_max_memory() -> u64 {
    let total = available_memory().unwrap_or(UNKNOWN);
    total / 100 * SHARE
}

/// The smallest limit; `None` if the system names none, as where there is no `/proc`.
fn available_memory() -> Option<u64> {
    let read = |path: &Path| fs::read_to_string(path).ok();
    available_memory_by(&read)
}

fn available_memory_by(read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let own = |path: &str| read(Path::new(path)).unwrap_or_default();
    let mut limits = process_limits(&own("/proc/self/limits"));
    limits.extend(physical_memory(&own("/proc/meminfo")));
    for path in group_files(&own("/proc/self/cgroup")) {
        // `max` is none; version 1 has a huge number instead.
        limits.extend(read(&path).and_then(|text| text.trim().parse::<u64>().ok()));
    }
    limits.into_iter().min()
}

/// Soft limits on address space and data, in bytes; `unlimited` is none.
fn process_limits(text: &str) -> Vec<u64> {
    let limit = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    ["Max address space", "Max data size"].into_iter().filter_map(limit).collect()
}

fn physical_memory(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The files with the limits of the process's groups and of all above them, where these systems usually lie.
fn group_files(text: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(group)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let (root, file) = match (number, controllers) {
            ("0", "") => ("/sys/fs/cgroup", "memory.max"),
            (_, controllers) if controllers.split(',').any(|one| one == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let group = Path::new(group.trim_start_matches('/'));
        files.extend(group.ancestors().map(|group| Path::new(root).join(group).join(file)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max data size             unlimited            unlimited            bytes     
Max address space         4294967296           unlimited            bytes     
";

    fn check(files: &[(&str, &str)], expected: Option<u64>) {
        let read = |path: &Path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        assert_eq!(available_memory_by(&read), expected, "{files:?}");
    }

    #[test]
    fn the_smallest_limit_counts() {
        let meminfo = ("/proc/meminfo", "MemTotal:       24111000 kB\nMemFree: 1 kB\n");
        let limits = ("/proc/self/limits", LIMITS);
        check(&[], None);
        check(&[meminfo], Some(24_111_000 * 1024));
        check(&[meminfo, limits], Some(4 << 30));

        let group = ("/proc/self/cgroup", "0::/user.slice/job\n");
        let none = ("/sys/fs/cgroup/user.slice/job/memory.max", "max\n");
        check(&[meminfo, group, none], Some(24_111_000 * 1024));
        let above = ("/sys/fs/cgroup/user.slice/memory.max", "2147483648\n");
        check(&[meminfo, limits, group, none, above], Some(2 << 30));
        check(
            &[meminfo, ("/proc/self/cgroup", "0::/\n"), ("/sys/fs/cgroup/memory.max", "512000000")],
            Some(512_000_000),
        );

        let old = ("/proc/self/cgroup", "12:cpu,cpuacct:/a\n7:memory:/docker/abc\n1:name=systemd:/a\n");
        let place = "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes";
        check(&[meminfo, old, (place, "1073741824\n")], Some(1 << 30));
        check(&[meminfo, old, (place, "9223372036854771712\n")], Some(24_111_000 * 1024));
        // Within a container the group's own path may not be there, but its root is the container's.
        check(&[meminfo, old, ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "3221225472")], Some(3 << 30));
    }

    #[test]
    fn odd_files_are_no_limits() {
        check(&[("/proc/self/limits", "Max address space\n"), ("/proc/meminfo", "MemTotal: many kB")], None);
        check(&[("/proc/self/cgroup", "0\n::\n7:memory\n")], None);
    }
}

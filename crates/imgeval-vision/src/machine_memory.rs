//! How much memory this process may use, by what the system says.
//!
//! The smallest counts of: the limits of the process on its address space and data (`ulimit -v`, `-d`), those of its control
//! groups (version 1 and 2, with all groups above), and the machine's memory. Images get 40 % of it; the rest is for what else there
//! is.
//!
//! Against a limit of the address space much counts that is never used: glibc sets 64 MiB aside for each thread that
//! allocates, and 2 MiB are for its stack. Measured on x86-64: importing small images takes 150 MiB and 66 MiB for each thread;
//! observing has up to three times as many threads. Under such a limit images get at most 70 % of what then remains.

use std::path::{Path, PathBuf};

/// No such file of the system is longer.
const LONGEST: u64 = 1 << 20;
/// Where the system says nothing, as where there is no `/proc`.
const UNKNOWN: u64 = 4 << 30;
/// Hundredths of the memory that are for images.
const SHARE: u64 = 40;
/// The same of an address space without what program and threads set aside.
const SHARE_OF_REST: u64 = 70;
const PROGRAM: u64 = 256 << 20;
const THREAD: u64 = 200 << 20;
/// Where threads would leave less than one part in so many, that part is tried: not all of them may get to allocate.
const LEAST: u64 = 8;

/// What images may take together, unless the user says otherwise, in a process that works in so many threads.
#[must_use]
pub fn default_max_memory(n_threads: usize) -> u64 {
    default_by(&|path| imgeval_files::read_text(path, LONGEST).ok(), n_threads)
}

fn default_by(read: &dyn Fn(&Path) -> Option<String>, n_threads: usize) -> u64 {
    let limits = memory_limits(read);
    let memory = limits.iter().min().map_or(UNKNOWN, |limit| *limit) / 100 * SHARE;
    let spaces = process_limits(&read(Path::new("/proc/self/limits")).unwrap_or_default());
    let Some(space) = spaces.into_iter().min() else { return memory };
    let aside = PROGRAM + THREAD * n_threads as u64;
    let rest = (space.saturating_sub(aside) / 100 * SHARE_OF_REST).max(space / LEAST);
    memory.min(space / 100 * SHARE).min(rest)
}

/// Of the machine and of groups.
fn memory_limits(read: &dyn Fn(&Path) -> Option<String>) -> Vec<u64> {
    let own = |path: &str| read(Path::new(path)).unwrap_or_default();
    let mut limits: Vec<u64> = physical_memory(&own("/proc/meminfo")).into_iter().collect();
    for path in group_files(&own("/proc/self/cgroup")) {
        // `max` is none; version 1 has a huge number instead.
        limits.extend(read(&path).and_then(|text| text.trim().parse::<u64>().ok()));
    }
    limits
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

    const MEMORY: (&str, &str) = ("/proc/meminfo", "MemTotal:       24111000 kB\nMemFree: 1 kB\n");
    const MEMORY_BYTES: u64 = 24_111_000 * 1024;

    fn default_of(files: &[(&str, &str)], n_threads: usize) -> u64 {
        let read = |path: &Path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        default_by(&read, n_threads)
    }

    /// That images get their share of so many bytes.
    fn check(files: &[(&str, &str)], bytes: u64) {
        assert_eq!(default_of(files, 1), bytes / 100 * SHARE, "{files:?}");
    }

    #[test]
    fn the_smallest_limit_counts() {
        let limits = ("/proc/self/limits", LIMITS);
        check(&[], UNKNOWN);
        check(&[MEMORY], MEMORY_BYTES);
        check(&[MEMORY, limits], 4 << 30);

        let group = ("/proc/self/cgroup", "0::/user.slice/job\n");
        let none = ("/sys/fs/cgroup/user.slice/job/memory.max", "max\n");
        check(&[MEMORY, group, none], MEMORY_BYTES);
        let above = ("/sys/fs/cgroup/user.slice/memory.max", "2147483648\n");
        check(&[MEMORY, limits, group, none, above], 2 << 30);
        let root = ("/proc/self/cgroup", "0::/\n");
        check(&[MEMORY, root, ("/sys/fs/cgroup/memory.max", "512000000")], 512_000_000);

        let old = ("/proc/self/cgroup", "12:cpu,cpuacct:/a\n7:memory:/docker/abc\n1:name=systemd:/a\n");
        let place = "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes";
        check(&[MEMORY, old, (place, "1073741824\n")], 1 << 30);
        check(&[MEMORY, old, (place, "9223372036854771712\n")], MEMORY_BYTES);
        // Within a container the group's own path may not be there, but its root is the container's.
        check(&[MEMORY, old, ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "3221225472")], 3 << 30);
    }

    #[test]
    fn threads_take_address_space() {
        let of = |n_threads| default_of(&[MEMORY, ("/proc/self/limits", LIMITS)], n_threads) >> 20;
        assert_eq!([1, 8, 16, 100].map(of), [1638, 1567, 512, 512]);
        assert_eq!(default_of(&[MEMORY], 100), MEMORY_BYTES / 100 * SHARE);
    }

    #[test]
    fn odd_files_are_no_limits() {
        check(
            &[("/proc/self/limits", "Max address space\n"), ("/proc/meminfo", "MemTotal: many kB")],
            UNKNOWN,
        );
        check(&[("/proc/self/cgroup", "0\n::\n7:memory\n")], UNKNOWN);
    }
}

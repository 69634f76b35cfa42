use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::Path,
};

use super::*;

fn unsuitable<T: std::fmt::Debug>(result: io::Result<T>) -> Unsuitable {
    Unsuitable::of(&result.unwrap_err()).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let folder = OwnFolder::open(folder).unwrap();
    folder.names().unwrap().into_iter().map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn a_regular_file_is_read_up_to_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, "abc").unwrap();
    assert_eq!(read_regular(&path, 3).unwrap(), b"abc");
    assert_eq!(unsuitable(read_regular(&path, 2)), Unsuitable::TooLong { limit: 2 });
    assert_eq!(unsuitable(open_regular(folder.path())), Unsuitable::Folder);
    assert_eq!(open_regular(&folder.path().join("b")).unwrap_err().kind(), io::ErrorKind::NotFound);
    fs::write(&path, b"\xff").unwrap();
    assert_eq!(read_text(&path, 9).unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let own = OwnFolder::make(&folder.path().join("x/y")).unwrap();
    let mut file = own.new_file("a").unwrap();
    file.write_all(b"half").unwrap();
    drop(file);
    assert_eq!(names(own.path()), [""; 0]);
    own.write_whole("a", b"whole").unwrap();
    own.write_whole("a", b"again").unwrap();
    assert_eq!((names(own.path()), own.read("a", 9).unwrap()), (vec!["a".to_owned()], b"again".to_vec()));
    assert_eq!((own.length("a").unwrap(), own.length("b").unwrap()), (Some(5), None));
    assert_eq!(own.create_new("a").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    own.remove("a").unwrap();
    own.remove("a").unwrap();
    assert_eq!(names(own.path()), [""; 0]);
}

#[test]
fn names_do_not_lead_out_of_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let own = OwnFolder::open(folder.path()).unwrap();
    for name in ["", ".", "..", "../a", "a/b", "a/", "/a", "./a"] {
        assert_eq!(unsuitable(own.write_whole(name, b"x")), Unsuitable::Name, "{name}");
        assert_eq!(unsuitable(own.make_folder(name)), Unsuitable::Name, "{name}");
    }
}

#[test]
fn a_lock_is_held_once() {
    let folder = tempfile::tempdir().unwrap();
    let own = OwnFolder::open(folder.path()).unwrap();
    let Lock::Taken(mut held) = own.lock("lock").unwrap() else { panic!("free") };
    held.write_all(b"me").unwrap();
    let Lock::Held(mut other) = own.lock("lock").unwrap() else { panic!("taken twice") };
    let mut holder = String::new();
    other.read_to_string(&mut holder).unwrap();
    assert_eq!(holder, "me");
    drop(held);
    assert!(matches!(own.lock("lock").unwrap(), Lock::Taken(_)));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use rustix::fs::{CWD, Mode, mknodat};

    use super::*;

    fn make_pipe(path: &Path) {
        mknodat(CWD, path, rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    }

    /// Everything that may lie where a file should be, and what must stay as it is.
    fn check_each(check: impl Fn(&OwnFolder, &str)) {
        let root = tempfile::tempdir().unwrap();
        let place = |name: &str| root.path().join(name);
        fs::write(place("victim"), "precious").unwrap();
        fs::create_dir(place("mine")).unwrap();
        fs::write(place("mine/letter"), "precious").unwrap();
        let own = OwnFolder::make(&place("own")).unwrap();
        symlink("../victim", place("own/link")).unwrap();
        symlink(place("victim"), place("own/absolute link")).unwrap();
        symlink("../victim2", place("own/dangling link")).unwrap();
        symlink("loop", place("own/loop")).unwrap();
        symlink("../mine", place("own/link to folder")).unwrap();
        symlink("/dev/zero", place("own/link to device")).unwrap();
        fs::hard_link(place("victim"), place("own/hard link")).unwrap();
        make_pipe(&place("own/pipe"));
        let _socket = UnixListener::bind(place("own/socket")).unwrap();
        let listed = names(own.path());
        assert_eq!(listed.len(), 9);
        for name in &listed {
            check(&own, name);
            let kept = |name: &str| fs::read_to_string(place(name)).unwrap();
            assert_eq!(
                (kept("victim"), kept("mine/letter")),
                ("precious".into(), "precious".into()),
                "{name}"
            );
            assert!(!place("victim2").exists() && names(&place("mine")).len() == 1, "{name}");
        }
    }

    #[test]
    fn a_written_file_replaces_whatever_had_its_name() {
        check_each(|own, name| {
            own.write_whole(name, b"new").unwrap();
            assert_eq!(own.read(name, 9).unwrap(), b"new");
        });
    }

    #[test]
    fn a_lock_replaces_whatever_had_its_name() {
        check_each(|own, name| {
            let Lock::Taken(mut file) = own.lock(name).unwrap() else { panic!("{name} is held") };
            file.set_len(0).unwrap();
            file.write_all(b"holder").unwrap();
            assert_eq!(own.read(name, 9).unwrap(), b"holder");
            assert!(matches!(own.lock(name).unwrap(), Lock::Held(_)));
        });
    }

    #[test]
    fn a_held_lock_is_not_replaced_when_it_gets_another_name() {
        let root = tempfile::tempdir().unwrap();
        let own = OwnFolder::open(root.path()).unwrap();
        let Lock::Taken(held) = own.lock("lock").unwrap() else { panic!("free") };
        fs::hard_link(root.path().join("lock"), root.path().join("other")).unwrap();
        assert!(matches!(own.lock("lock").unwrap(), Lock::Held(_)));
        drop(held);
        assert!(matches!(own.lock("lock").unwrap(), Lock::Taken(_)));
    }

    #[test]
    fn a_lock_is_the_file_that_has_the_name_now() {
        let root = tempfile::tempdir().unwrap();
        let own = OwnFolder::open(root.path()).unwrap();
        let Lock::Taken(_held) = own.lock("lock").unwrap() else { panic!("free") };
        fs::rename(root.path().join("lock"), root.path().join("done")).unwrap();
        assert!(matches!(own.lock("lock").unwrap(), Lock::Taken(_)));
        assert!(matches!(own.lock("done").unwrap(), Lock::Held(_)));
    }

    #[test]
    fn links_are_removed_and_not_what_they_lead_to() {
        check_each(|own, name| own.remove(name).unwrap());
    }

    #[test]
    fn nothing_but_a_folder_is_entered() {
        check_each(|own, name| {
            let found = unsuitable(own.make_folder(name));
            let expected = if name.contains("link") && name != "hard link" || name == "loop" {
                Unsuitable::Link
            } else {
                Unsuitable::NotAFolder
            };
            assert_eq!(found, expected, "{name}");
        });
    }

    #[test]
    fn only_a_file_with_one_name_is_written_in_place() {
        check_each(|own, name| {
            let expected = match name {
                "pipe" => Unsuitable::Pipe,
                "socket" => Unsuitable::Socket,
                "hard link" => Unsuitable::SeveralNames,
                _ => Unsuitable::Link,
            };
            assert_eq!(unsuitable(own.check_writable_in_place(name)), expected, "{name}");
            if name != "hard link" {
                assert_eq!(unsuitable(own.read(name, 100)), expected, "{name}");
            }
        });
    }

    #[test]
    fn reading_follows_links_to_regular_files_only() {
        check_each(|own, name| {
            let read = read_regular(&own.path().join(name), 100);
            match name {
                "link" | "absolute link" | "hard link" => assert_eq!(read.unwrap(), b"precious"),
                "link to folder" => assert_eq!(unsuitable(read), Unsuitable::Folder),
                "link to device" => assert_eq!(unsuitable(read), Unsuitable::Device),
                "pipe" => assert_eq!(unsuitable(read), Unsuitable::Pipe),
                "socket" => assert_eq!(unsuitable(read), Unsuitable::Socket),
                // Dangling or endless.
                _ => assert_eq!(Unsuitable::of(&read.unwrap_err()), None, "{name}"),
            }
        });
    }

    #[test]
    fn a_file_gets_a_second_name_unless_it_is_a_link() {
        let root = tempfile::tempdir().unwrap();
        let own = OwnFolder::open(root.path()).unwrap();
        own.write_whole("a", b"abc").unwrap();
        symlink("a", root.path().join("link")).unwrap();
        for _ in 0..2 {
            own.link_file(&root.path().join("a"), "b").unwrap();
        }
        assert_eq!(unsuitable(own.check_writable_in_place("b")), Unsuitable::SeveralNames);
        assert_eq!(unsuitable(own.link_file(&root.path().join("link"), "c")), Unsuitable::Link);
        assert_eq!(names(root.path()), ["a", "b", "link"]);
    }

    #[test]
    fn a_pipe_that_nobody_reads_is_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("pipe");
        make_pipe(&path);
        assert!(open_special_for_writing(&path).is_err());
        let mut null = open_special_for_writing(Path::new("/dev/null")).unwrap();
        null.write_all(b"gone").unwrap();
    }
}

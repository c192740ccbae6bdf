use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use evidence::fingerprint::{FingerprintError, of_directory, of_file};
use model::Fingerprint;
use tempfile::TempDir;

#[test]
fn a_files_fingerprint_is_the_sha_256_of_its_bytes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, "abc").unwrap();
    assert_eq!(
        of_file(&path).unwrap().to_string(),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    let large = vec![7; 1_000_003];
    fs::write(&path, &large).unwrap();
    assert_eq!(
        of_file(&path).unwrap(),
        Fingerprint(<sha2::Sha256 as sha2::Digest>::digest(&large).into())
    );
}

/// Makes a tree from (path, content): a path that ends in `/` is an empty directory, `→x` a link to x, `!x` an executable file.
fn tree(items: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, content) in items {
        plant(folder.path(), path, content);
    }
    folder
}

fn plant(root: &Path, path: &str, content: &str) {
    let place = root.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    if path.ends_with('/') {
        fs::create_dir_all(place).unwrap();
    } else if let Some(target) = content.strip_prefix('→') {
        link(target, &place);
    } else {
        fs::write(&place, content.trim_start_matches('!')).unwrap();
        set_mode(
            &place,
            if content.starts_with('!') {
                0o755
            } else {
                0o644
            },
        );
    }
}

fn link(target: &str, place: &Path) {
    std::os::unix::fs::symlink(target, place).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn whatever_differs_in_a_directory_gives_another_fingerprint() {
    let variants: &[&[(&str, &str)]] = &[
        &[],
        &[("d/", "")],
        &[("a", "")],
        &[("a", "x")],
        &[("a", "!x")],
        &[("a", "→x")],
        &[("b", "x")],
        &[("d/a", "x")],
        &[("d/a", "x"), ("e/", "")],
        &[("d/", ""), ("e/a", "x")],
        &[("a", "x"), ("d/", "")],
        &[("a", "x"), ("b", "y")],
        &[("a", "y"), ("b", "x")],
        &[("a", "xy"), ("b", "")],
        &[("a\nb", "x")],
        &[("a b", "x")],
        &[("a/b", "x")],
        &[("a-b", "x")],
        &[("a", "→y")],
        &[("a", "→../x")],
        &[("a", "x"), ("l", "→a")],
        &[("a", "x"), ("l", "x")],
        &[("é", "x")],
        &[("e\u{301}", "x")],
    ];
    let mut seen = BTreeMap::new();
    for variant in variants {
        let fingerprint = of_directory(tree(variant).path()).unwrap();
        assert_eq!(
            of_directory(tree(variant).path()).unwrap(),
            fingerprint,
            "{variant:?} is not reproducible"
        );
        if let Some(other) = seen.insert(fingerprint, variant) {
            panic!("{variant:?} and {other:?} have one fingerprint");
        }
    }
}

#[test]
fn times_owners_and_other_mode_bits_do_not_count() {
    let folder = tree(&[("a", "x"), ("b", "!y")]);
    let before = of_directory(folder.path()).unwrap();
    set_mode(&folder.path().join("a"), 0o600);
    set_mode(&folder.path().join("b"), 0o700);
    let file = fs::File::options()
        .write(true)
        .open(folder.path().join("a"))
        .unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(of_directory(folder.path()).unwrap(), before);
}

#[test]
#[cfg(target_os = "linux")]
fn names_that_are_not_utf_8_are_taken_byte_for_byte() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let of_name = |name: &[u8]| {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join(OsStr::from_bytes(name)), "x").unwrap();
        of_directory(folder.path()).unwrap()
    };
    assert_ne!(of_name(b"\xff"), of_name(b"\xfe"));
    assert_ne!(of_name(b"\xff"), of_name("\u{fffd}".as_bytes()));
}

#[test]
fn links_are_not_followed_even_in_a_circle() {
    let outside = tree(&[("secret", "1")]);
    let target = format!("→{}", outside.path().display());
    let folder = tree(&[("circle", "→."), ("dangling", "→nowhere"), ("out", &target)]);
    let before = of_directory(folder.path()).unwrap();
    fs::write(outside.path().join("secret"), "2").unwrap();
    assert_eq!(of_directory(folder.path()).unwrap(), before);
}

#[test]
fn a_directory_reached_by_a_link_is_the_same_directory() {
    let folder = tree(&[("real/a", "x"), ("link", "→real")]);
    assert_eq!(
        of_directory(&folder.path().join("link")).unwrap(),
        of_directory(&folder.path().join("real")).unwrap()
    );
}

#[test]
fn what_is_no_file_directory_or_link_is_refused() {
    let folder = tree(&[("a", "x")]);
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(
        matches!(of_directory(folder.path()), Err(FingerprintError::WrongKind { path, .. }) if path == socket)
    );
    assert!(matches!(
        of_file(&socket),
        Err(FingerprintError::WrongKind { .. })
    ));
    assert!(matches!(
        of_file(folder.path()),
        Err(FingerprintError::WrongKind { .. })
    ));
    assert!(matches!(
        of_directory(&folder.path().join("a")),
        Err(FingerprintError::WrongKind { .. })
    ));
    assert!(matches!(
        of_file(&folder.path().join("b")),
        Err(FingerprintError::Read { .. })
    ));
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_is_longer_than_it_says_is_refused() {
    assert!(matches!(
        of_file(Path::new("/proc/self/status")),
        Err(FingerprintError::Changed { .. })
    ));
}

#[test]
fn the_ten_lines_of_python_in_the_documentation_agree() {
    let document = include_str!("../../../../docs/fingerprint.md");
    let program = document
        .split("```python\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    assert!(
        program.lines().count() <= 10,
        "the program has grown over ten lines"
    );
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: there is no `python3` to run the documented program with");
        return;
    }
    let folder = tree(&[
        ("a", "x"),
        ("a-b", "!"),
        ("d/e/f", "deep"),
        ("d-", "z"),
        ("empty/", ""),
        ("new\nline", "1"),
        ("é", "2"),
        (".hidden", "3"),
        ("l", "→d/e"),
        ("dangling", "→no/where"),
    ]);
    #[cfg(target_os = "linux")]
    plant_name_that_is_not_utf_8(folder.path());
    let printed = Command::new("python3")
        .args(["-c", program])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(
        printed.status.success(),
        "{}",
        String::from_utf8_lossy(&printed.stderr)
    );
    assert_eq!(
        String::from_utf8(printed.stdout).unwrap().trim(),
        of_directory(folder.path()).unwrap().to_string()
    );
}

#[cfg(target_os = "linux")]
fn plant_name_that_is_not_utf_8(root: &Path) {
    use std::os::unix::ffi::OsStrExt as _;
    fs::write(
        root.join(std::ffi::OsStr::from_bytes(b"not \xff utf-8")),
        "4",
    )
    .unwrap();
}

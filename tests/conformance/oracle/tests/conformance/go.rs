//! The Go side: made ready in the target folder, compiled once, run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Who answers in upstream's tests.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// Upstream itself.
    Upstream,
    /// hpa-oracle, function by function.
    Parts,
    /// hpa-oracle, a whole sync at once.
    Whole,
}

impl Mode {
    fn word(self) -> &'static str {
        match self {
            Self::Upstream => "",
            Self::Parts => "parts",
            Self::Whole => "whole",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Parts => "function by function",
            Self::Whole => "whole syncs",
        }
    }
}

/// The compiled tests.
#[derive(Clone, Debug)]
pub struct Binary {
    path: PathBuf,
    folder: PathBuf,
    oracle: &'static str,
}

impl Binary {
    /// Kubernetes' HPA. Compiled once a process.
    pub fn hpa() -> Self {
        static BUILT: OnceLock<Binary> = OnceLock::new();
        let oracle = env!("CARGO_BIN_EXE_hpa-oracle");
        let build = || Self::build("hpa", "podautoscaler", oracle);
        BUILT.get_or_init(build).clone()
    }

    /// Knative's autoscaler.
    pub fn knative() -> Self {
        Self::build("knative", ".", env!("CARGO_BIN_EXE_kpa-oracle"))
    }

    /// Copies upstream's files, puts ours beside them, and compiles the package in `package`.
    fn build(of: &str, package: &str, oracle: &'static str) -> Self {
        let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("conformance")
            .join(of);
        let (path, folder) = (scratch.join("conformance.test"), scratch.join(package));
        let prepare = ["run", "./prepare", "-of", of, "-out"];
        said(go(&module).args(prepare).arg(&scratch));
        // As the lab builds Kubernetes, so that what it has compiled is used again.
        let compile = [
            "test",
            "-c",
            "-trimpath",
            "-buildvcs=false",
            "-vet=off",
            "-o",
        ];
        said(go(&folder).args(compile).arg(&path).arg("."));
        Self {
            path,
            folder,
            oracle,
        }
    }

    /// Upstream's tests; returns what they print, and what the process says where it ends badly.
    pub fn run_tests(&self, mode: Mode) -> (String, Option<String>) {
        let mut command = self.command();
        command.args(["-test.v", "-test.timeout=5m"]);
        let output = run(command.env("PINISI_CONFORMANCE_MODE", mode.word()));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        (text(&output), (!output.status.success()).then_some(error))
    }

    /// The same tests with another program to ask.
    pub fn asking(self, oracle: &'static str) -> Self {
        Self { oracle, ..self }
    }

    /// Random cases of one test; whether all came to the same, and what was printed.
    pub fn compare(&self, test: &str, cases: u64, seed: u64) -> (bool, String) {
        let mut command = self.command();
        command
            .arg(format!("-test.run=^{test}$"))
            .arg("-test.timeout=60m")
            .env("PINISI_CONFORMANCE_CASES", cases.to_string())
            .env("PINISI_CONFORMANCE_SEED", seed.to_string());
        let output = run(&mut command);
        let said = text(&output) + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), said)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command
            .current_dir(&self.folder)
            .env("PINISI_ORACLE", self.oracle)
            .env_remove("PINISI_CONFORMANCE_MODE")
            .env_remove("PINISI_CONFORMANCE_CASES")
            .env_remove("PINISI_CONFORMANCE_SEED");
        command
    }
}

/// A `go` command in whose environment the user's own settings do not change the build.
fn go(folder: &Path) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(folder)
        .env("GOFLAGS", "-mod=readonly")
        .env("GOWORK", "off")
        .env_remove("GOOS")
        .env_remove("GOARCH");
    command
}

fn run(command: &mut Command) -> Output {
    let program = command.get_program().to_owned();
    command
        .output()
        .unwrap_or_else(|e| panic!("cannot run {}: {e}", program.display()))
}

fn said(command: &mut Command) {
    let output = run(command);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

//! ONNX Runtime itself: where it lies, and one of it a process.
//!
//! It is a shared library that is loaded when the first model is asked for; nothing of it is linked. It is looked for, in this
//! order: where the caller says; `ORT_DYLIB_PATH`; `target/onnxruntime`, where `cargo xtask onnxruntime` puts it; an installed
//! Python package. What is named explicitly is taken or refused, never passed over.

use crate::error::{OnnxError, Result, one_line};
use ort::environment::Environment;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

/// The execution provider of the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// The processor.
    Cpu,
    /// An NVIDIA GPU, or a refusal: never the processor instead.
    Cuda,
}

impl Provider {
    /// As it is written in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }
}

/// The loaded library. All of a process share one: it cannot be unloaded.
#[derive(Clone)]
pub struct Library {
    path: PathBuf,
    version: String,
    environment: Environment,
}

/// The oldest release that serves us, as `1.NN`: the feature `api-24` of `ort`.
const OLDEST: u32 = ort::MINOR_VERSION;

static LOADED: Mutex<Option<Library>> = Mutex::new(None);

impl Library {
    /// Loads the library at `explicit`, or the one that is found; or gives the one that is loaded.
    ///
    /// # Errors
    /// None was found, it is too old, or it is no ONNX Runtime; or `explicit` is another than the loaded one.
    pub fn load(explicit: Option<&Path>, provider: Provider) -> Result<Self> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = &*loaded {
            return match explicit {
                Some(path) if path != library.path => Err(OnnxError::Unavailable(format!(
                    "cannot load ONNX Runtime from {}: {} is loaded, and a process has one",
                    path.display(),
                    library.path.display()
                ))),
                _ => Ok(library.clone()),
            };
        }
        let path = find(explicit, provider)?;
        let library = Self::open(path)?;
        *loaded = Some(library.clone());
        Ok(library)
    }

    fn open(path: PathBuf) -> Result<Self> {
        let broken = |why: String| {
            OnnxError::Unavailable(format!(
                "cannot load ONNX Runtime from {}: {why}; {}",
                path.display(),
                how_to_get_it()
            ))
        };
        let builder = ort::init_from(&path).map_err(|error| {
            use ort::LoadDynamicError::{BadVersion, Dlopen, InvalidVersionString, MissingApi};
            broken(match error {
                BadVersion { version_str, .. } => {
                    format!("it is version {version_str}, too old; 1.{OLDEST} or newer is needed")
                }
                MissingApi { .. } | InvalidVersionString => "it is another library".to_owned(),
                Dlopen { error, .. } => one_line(&error.to_string()),
            })
        })?;
        let quiet: ort::logging::LoggerFunction = Arc::new(|_, _, _, _, _| {});
        let environment = builder
            .with_telemetry(false)
            .with_logger(quiet)
            .build()
            .map_err(|error| broken(one_line(error.message())))?;
        let version = version_in(&path).unwrap_or_else(|| {
            ort::util::probe(&path).map_or_else(|| "unknown".to_owned(), |minor| format!("1.{minor}"))
        });
        Ok(Self { path, version, environment })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version; without the patch where its file's name does not have it.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// The version at the end of a file's name: `libonnxruntime.so.1.31.1`.
fn version_in(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let start = name.find(|c: char| c.is_ascii_digit())?;
    let version = name[start..].trim_end_matches(".dylib");
    version.chars().all(|c| c.is_ascii_digit() || c == '.').then(|| version.to_owned())
}

/// The advice for a machine without the library.
fn how_to_get_it() -> String {
    format!(
        "`cargo xtask onnxruntime` obtains it into target/onnxruntime, `pip install onnxruntime` serves too, or name a library of \
         version 1.{OLDEST} or newer with --ort-lib or ORT_DYLIB_PATH"
    )
}

/// The first place of the search that has it.
fn find(explicit: Option<&Path>, provider: Provider) -> Result<PathBuf> {
    let variable = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
    let named = explicit.map(|path| (path.to_owned(), "--ort-lib")).or(variable.map(|path| (path, "ORT_DYLIB_PATH")));
    if let Some((path, by)) = named {
        let library = if path.is_dir() { library_in(&path) } else { Some(path.clone()).filter(|path| path.is_file()) };
        return library.ok_or_else(|| {
            OnnxError::Unavailable(format!(
                "no ONNX Runtime at {}, which {by} names; {}",
                path.display(),
                how_to_get_it()
            ))
        });
    }
    let obtained = obtained_folders(provider).into_iter().find_map(|folder| library_in(&folder));
    obtained.or_else(|| library_in(&python_package()?.join("capi"))).ok_or_else(|| {
        OnnxError::Unavailable(format!(
            "ONNX Runtime, which real models run on, was not found: not in ORT_DYLIB_PATH, target/onnxruntime or Python's packages; {}",
            how_to_get_it()
        ))
    })
}

/// The folders in which `cargo xtask onnxruntime` may have put it: the build for the provider first.
fn obtained_folders(provider: Provider) -> Vec<PathBuf> {
    let executable = std::env::current_exe().unwrap_or_default();
    // target/PROFILE/sim, or target/PROFILE/deps/TEST
    let targets = executable.ancestors().skip(1).take(3).map(Path::to_owned);
    let here = std::env::current_dir().unwrap_or_default().join("target");
    let builds = match provider {
        Provider::Cpu => ["cpu", "cuda"],
        Provider::Cuda => ["cuda", "cpu"],
    };
    let roots = targets.chain([here]).map(|target| target.join("onnxruntime"));
    roots.flat_map(|root| builds.map(|build| root.join(build).join("onnxruntime/capi"))).collect()
}

/// The library in a folder: not its providers, which lie beside it.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let stem = format!("{}onnxruntime.", std::env::consts::DLL_PREFIX);
    let is_library = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(&stem) && name.contains(std::env::consts::DLL_SUFFIX)
    };
    let mut found: Vec<PathBuf> =
        folder.read_dir().ok()?.flatten().map(|entry| entry.path()).filter(is_library).collect();
    found.sort();
    found.pop()
}

/// The folder of the Python package, found without importing it.
fn python_package() -> Option<PathBuf> {
    let asked = "import importlib.util as u; s = u.find_spec('onnxruntime'); print(s.submodule_search_locations[0])";
    let said = Command::new("python3").args(["-c", asked]).output().ok()?;
    let folder = String::from_utf8(said.stdout).ok()?;
    (said.status.success() && !folder.trim().is_empty()).then(|| PathBuf::from(folder.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_names() {
        assert_eq!(version_in(Path::new("/x/libonnxruntime.so.1.31.1")).as_deref(), Some("1.31.1"));
        assert_eq!(version_in(Path::new("/x/libonnxruntime.1.31.1.dylib")).as_deref(), Some("1.31.1"));
        assert_eq!(version_in(Path::new("/x/libonnxruntime.so")), None);
    }

    #[test]
    fn providers_are_not_taken_for_the_library() {
        let folder = tempfile::tempdir().unwrap();
        let name = |name: &str| format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        for file in [name("onnxruntime_providers_shared"), name("onnxruntime")] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        assert_eq!(library_in(folder.path()), Some(folder.path().join(name("onnxruntime"))));
        assert_eq!(library_in(Path::new("/no/such/folder")), None);
    }

    #[test]
    fn the_build_for_the_provider_is_looked_for_first() {
        let first = |provider| obtained_folders(provider)[0].clone();
        assert!(first(Provider::Cpu).ends_with("onnxruntime/cpu/onnxruntime/capi"));
        assert!(first(Provider::Cuda).ends_with("onnxruntime/cuda/onnxruntime/capi"));
    }
}

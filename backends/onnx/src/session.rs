//! Graphs as sessions of ONNX Runtime, and the tensors that go in and out.

use crate::error::{OnnxError, Result, failed, one_line, refused};
use crate::graph::Outline;
use crate::library::{Library, Provider};
use half::f16;
use ort::ep::{self, ExecutionProvider};
use ort::memory::AllocationDevice;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynTensor, DynValue, Outlet, Tensor, TensorElementType};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The library, and how graphs are to be executed.
#[derive(Clone)]
pub struct Runtime {
    library: Library,
    provider: Provider,
    /// Threads of one operator; the library's choice if absent.
    threads: Option<usize>,
    /// True if keys and values are bound to the memory of the execution provider.
    bound: bool,
    /// Folder of the profiles, if sessions are profiled.
    profiles: Option<PathBuf>,
}

impl Runtime {
    /// Loads the library, from `explicit` or where it is found.
    ///
    /// # Errors
    /// The library is not there or too old, or is built without the provider.
    pub fn new(explicit: Option<&Path>, provider: Provider, threads: Option<usize>) -> Result<Self> {
        let library = Library::load(explicit, provider)?;
        if provider == Provider::Cuda && !ep::CUDA::is_available().unwrap_or(false) {
            return Err(OnnxError::Unavailable(format!(
                "the provider `cuda` is not in ONNX Runtime {} at {}; `cargo xtask onnxruntime --cuda` obtains a build that has \
                 it, or choose the provider `cpu`",
                library.version(),
                library.path().display()
            )));
        }
        Ok(Self { library, provider, threads, bound: provider == Provider::Cuda, profiles: None })
    }

    /// The library.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The execution provider of the graphs.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Binds keys and values to the memory of what executes, which only a GPU needs: on a CPU, a rehearsal of that.
    #[must_use]
    pub fn bound(self) -> Self {
        Self { bound: true, ..self }
    }

    /// Profiles each graph that is loaded from now on, in files in this folder: see [`crate::Model::placement`]. Profiled graphs
    /// are slower.
    #[must_use]
    pub fn profiled(self, folder: &Path) -> Self {
        Self { profiles: Some(folder.to_owned()), ..self }
    }

    /// The memory that keys and values are bound to, if they are.
    pub(crate) fn memory(&self) -> Option<AllocationDevice<'static>> {
        let memory = match self.provider {
            Provider::Cpu => AllocationDevice::CPU,
            Provider::Cuda => AllocationDevice::CUDA,
        };
        self.bound.then_some(memory)
    }

    /// Loads a graph.
    pub(crate) fn open(&self, path: &Path) -> Result<Loaded> {
        let outline = Outline::read(path)?;
        let mut builder = Session::builder(self.library.environment()).map_err(failed("make a session"))?;
        // Shapes change with every token: a plan of memory for each would only pile up.
        builder = builder.with_memory_pattern(false).map_err(failed("make a session"))?;
        if let Some(threads) = self.threads {
            builder = builder.with_intra_threads(threads).map_err(failed("set the number of threads"))?;
        }
        if let Some(folder) = &self.profiles {
            let stem = path.file_stem().unwrap_or_default();
            builder = builder.with_profiling(folder.join(stem)).map_err(failed("profile a session"))?;
        }
        let provider = match self.provider {
            Provider::Cpu => ep::CPU::default().with_arena_allocator(true).build(),
            // Single precision means single precision: TF32 would leave 10 bits of 23.
            Provider::Cuda => ep::CUDA::default().with_tf32(false).build(),
        };
        // Without this the library runs on the processor instead, and says nothing.
        builder = builder.with_execution_providers([provider.error_on_failure()]).map_err(|error| {
            OnnxError::Unavailable(format!(
                "the provider `{}` does not start: {}; CUDA 13 and cuDNN 9 have to be in LD_LIBRARY_PATH, and a GPU at hand",
                self.provider.name(),
                one_line(error.message())
            ))
        })?;
        let session = builder.commit_from_file(path).map_err(failed(format!("load {}", path.display())))?;
        let profiled = self.profiles.is_some();
        Ok(Loaded { session, path: path.to_owned(), outline, inside: Duration::ZERO, runs: 0, profiled })
    }
}

/// A graph that is loaded.
pub(crate) struct Loaded {
    pub session: Session,
    pub path: PathBuf,
    pub outline: Outline,
    /// Time spent in the library's `Run`.
    pub inside: Duration,
    /// Number of its runs.
    pub runs: u64,
    /// True while the library writes a profile of it.
    pub profiled: bool,
}

impl Loaded {
    /// Runs the graph: inputs in its order, outputs in its order.
    pub fn run(&mut self, inputs: &[SessionInputValue<'_>]) -> Result<Vec<DynValue>> {
        let start = Instant::now();
        let outputs = self.session.run(inputs);
        self.inside += start.elapsed();
        self.runs += 1;
        let outputs = outputs.map_err(failed(format_args!("run {}", self.path.display())))?;
        Ok(outputs.into_iter().map(|(_, value)| value).collect())
    }

    /// Refuses the graph: something about its inputs or outputs is not as expected.
    pub fn refuse<T>(&self, what: impl std::fmt::Display) -> Result<T> {
        refused(format!("{}: {what}; expected a graph in the hub's layout", self.path.display()))
    }
}

/// The type of a graph's input or output, and its sides, -1 for those that vary.
pub(crate) fn signature(outlet: &Outlet) -> (Option<TensorElementType>, Vec<i64>) {
    let shape = outlet.dtype().tensor_shape().map(|shape| shape.to_vec());
    (outlet.dtype().tensor_type(), shape.unwrap_or_default())
}

/// True if a type is one of the floats that this package makes and reads.
pub(crate) fn is_float(kind: Option<TensorElementType>) -> bool {
    matches!(kind, Some(TensorElementType::Float32 | TensorElementType::Float16))
}

/// A tensor of whole numbers.
pub(crate) fn integers(shape: &[usize], values: Vec<i64>) -> Result<DynValue> {
    let tensor = Tensor::from_array((shape.to_vec(), values)).map_err(failed("make a tensor"))?;
    Ok(tensor.into_dyn())
}

/// A tensor of floats, of single precision or half.
pub(crate) fn floats(kind: Option<TensorElementType>, shape: &[usize], values: Vec<f32>) -> Result<DynValue> {
    if kind == Some(TensorElementType::Float16) {
        let values: Vec<f16> = values.into_iter().map(f16::from_f32).collect();
        return Ok(Tensor::from_array((shape.to_vec(), values)).map_err(failed("make a tensor"))?.into_dyn());
    }
    Ok(Tensor::from_array((shape.to_vec(), values)).map_err(failed("make a tensor"))?.into_dyn())
}

/// A tensor in which nothing is yet; a side of it is 0.
pub(crate) fn nothing(kind: TensorElementType, shape: &[i64]) -> Result<DynValue> {
    let tensor = DynTensor::new(&ort::memory::Allocator::default(), kind, shape).map_err(failed("make a tensor"))?;
    Ok(tensor.into_dyn())
}

/// The values of a tensor in the host's memory, in single precision.
pub(crate) fn to_floats(value: &DynValue) -> Result<Vec<f32>> {
    if value.dtype().tensor_type() == Some(TensorElementType::Float16) {
        let (_, values) = value.try_extract_tensor::<f16>().map_err(failed("read a tensor"))?;
        return Ok(values.iter().map(|value| value.to_f32()).collect());
    }
    let (_, values) = value.try_extract_tensor::<f32>().map_err(failed("read a tensor"))?;
    Ok(values.to_vec())
}

/// Some rows of a tensor `[1, rows, width]` of floats.
pub(crate) fn middle(value: &DynValue, rows: Range<usize>) -> Result<DynValue> {
    let width = sides(value).last().copied().unwrap_or(0);
    let (shape, values) = ([1, rows.len(), width], rows.start * width..rows.end * width);
    if value.dtype().tensor_type() == Some(TensorElementType::Float16) {
        let (_, all) = value.try_extract_tensor::<f16>().map_err(failed("read a tensor"))?;
        return Ok(Tensor::from_array((shape, all[values].to_vec())).map_err(failed("make a tensor"))?.into_dyn());
    }
    let (_, all) = value.try_extract_tensor::<f32>().map_err(failed("read a tensor"))?;
    Ok(Tensor::from_array((shape, all[values].to_vec())).map_err(failed("make a tensor"))?.into_dyn())
}

/// The sides of a tensor.
pub(crate) fn sides(value: &DynValue) -> Vec<usize> {
    let shape = value.dtype().tensor_shape();
    shape.map(|shape| shape.iter().map(|side| usize::try_from(*side).unwrap_or(0)).collect()).unwrap_or_default()
}

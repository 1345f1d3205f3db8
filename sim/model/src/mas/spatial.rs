//! Spatial sparsity on a real feature map (MSAO, Eq. 3 and 4), and the patches that pruning keeps.

use super::relevance::sigmoid;
use super::tensor::{TensorError, dot, entries, expect_finite, expect_length, expect_some};
use serde::{Deserialize, Serialize};

/// F of Eq. 3: the features of each patch in a layer of the vision encoder. H x W x C, row-major: the channels of a
/// patch stand together, then the patches of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeatureMap<'a> {
    height: usize,
    width: usize,
    channels: usize,
    values: &'a [f32],
}

impl<'a> FeatureMap<'a> {
    /// A view of `values` as `height` x `width` x `channels`.
    ///
    /// # Errors
    ///
    /// If there are not that many values, or one of them is NaN or infinite.
    pub fn new(height: usize, width: usize, channels: usize, values: &'a [f32]) -> Result<Self, TensorError> {
        let what = "values of the feature map";
        expect_length(what, entries(what, &[height, width, channels])?, values.len())?;
        expect_finite(what, values)?;
        Ok(Self { height, width, channels, values })
    }

    /// H: rows of patches.
    pub fn height(&self) -> usize {
        self.height
    }

    /// W: patches of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// C: channels of a patch.
    pub fn channels(&self) -> usize {
        self.channels
    }
}

/// The head of Eq. 3: an average pool, a 1 x 1 convolution from C channels to one, a sigmoid.
///
/// The paper gives neither the pool's size nor its borders. Assumptions of ours: the pool has stride 1 and keeps the
/// size, since M is H x W; its side is 3 unless said; at a border it averages the cells inside alone
/// (`count_include_pad = false`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct SpatialHead {
    pool: usize,
    weights: Vec<f32>,
    bias: f32,
}

/// A [`SpatialHead`] as it stands in a file, not yet checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "default_pool")]
    pool: usize,
    weights: Vec<f32>,
    bias: f32,
}

fn default_pool() -> usize {
    SpatialHead::DEFAULT_POOL
}

impl TryFrom<Written> for SpatialHead {
    type Error = TensorError;

    fn try_from(written: Written) -> Result<Self, TensorError> {
        Self::new(written.pool, written.weights, written.bias)
    }
}

impl SpatialHead {
    /// Side of the pool where a file names none; an assumption of ours.
    pub const DEFAULT_POOL: usize = 3;

    /// A head with a pool of `pool` x `pool` cells, and a weight for each of C channels.
    ///
    /// # Errors
    ///
    /// If `pool` is even, there are no weights, or a weight or the bias is NaN or infinite.
    pub fn new(pool: usize, weights: Vec<f32>, bias: f32) -> Result<Self, TensorError> {
        if pool.is_multiple_of(2) {
            return Err(TensorError::EvenPool { came: pool });
        }
        expect_some("weights of the spatial head", weights.len())?;
        expect_finite("weights of the spatial head", &weights)?;
        expect_finite("bias of the spatial head", &[bias])?;
        Ok(Self { pool, weights, bias })
    }

    /// M of Eq. 3: the importance of each patch, in [0, 1], H x W, row-major; empty for an empty map.
    ///
    /// Pool and convolution are both linear, one over cells and one over channels, so they commute. The convolution
    /// comes first here, and one channel is pooled instead of C.
    ///
    /// # Errors
    ///
    /// If the map has another number of channels than the head has weights.
    pub fn importance(&self, map: &FeatureMap<'_>) -> Result<Vec<f32>, TensorError> {
        expect_length("channels of the feature map", self.weights.len(), map.channels)?;
        let scores: Vec<f64> = map.values.chunks_exact(map.channels).map(|patch| dot(&self.weights, patch)).collect();
        let pooled = average_pool(&scores, map.height, map.width, self.pool / 2);
        // An average leaves the bias as it is, so it is added once.
        Ok(pooled.into_iter().map(|score| sigmoid(score + f64::from(self.bias)) as f32).collect())
    }
}

/// The mean over the cells at most `radius` rows and columns away that lie inside, for each cell.
fn average_pool(cells: &[f64], height: usize, width: usize, radius: usize) -> Vec<f64> {
    let around =
        |at: usize, size: usize| at.saturating_sub(radius)..at.saturating_add(radius).saturating_add(1).min(size);
    let mut pooled = Vec::with_capacity(cells.len());
    for row in 0..height {
        for column in 0..width {
            let (rows, columns) = (around(row, height), around(column, width));
            let count = rows.len() * columns.len();
            let sum: f64 = rows.flat_map(|r| &cells[r * width..][columns.clone()]).sum();
            pooled.push(sum / count as f64);
        }
    }
    pooled
}

/// rho_spatial of Eq. 4: the share of patches whose importance is strictly below `tau_s`; 0 for an empty map.
///
/// The threshold is rounded to f32 as the map is, so that an importance of .7 is not below a threshold of .7. A NaN,
/// in the map or as the threshold, is not below anything.
pub fn sparsity(importance: &[f32], tau_s: f64) -> f64 {
    if importance.is_empty() {
        return 0.0;
    }
    let below = importance.iter().filter(|&&m| m < tau_s as f32).count();
    below as f64 / importance.len() as f64
}

/// Indices, ascending, of the `ceil(retention * n)` most important of n patches: those that pruning keeps.
///
/// Of equally important patches the earlier is kept. At least one is kept if there is any, and at most all, whatever
/// the retention (a NaN counts as 0). A patch whose importance is NaN is kept last. The product is rounded as in
/// [`VisionTower::retain`](crate::vision::VisionTower::retain), which counts what is kept in the simulation.
pub fn kept_patches(importance: &[f32], retention: f64) -> Vec<usize> {
    let n = importance.len();
    let kept = ((n as f64 * retention).ceil() as usize).clamp(1.min(n), n);
    // Adding zero makes -0.0 equal to 0.0 in the total order.
    let key = |patch: usize| if importance[patch].is_nan() { f32::NEG_INFINITY } else { importance[patch] + 0.0 };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| key(b).total_cmp(&key(a)));
    order.truncate(kept);
    order.sort_unstable();
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Eq. 3 in the order in which it is written: pools each channel, then convolves.
    fn pool_first(head: &SpatialHead, map: &FeatureMap<'_>) -> Vec<f64> {
        let channel = |c: usize| {
            let cells: Vec<f64> = map.values.iter().skip(c).step_by(map.channels).map(|&v| f64::from(v)).collect();
            average_pool(&cells, map.height, map.width, head.pool / 2)
        };
        let pooled: Vec<Vec<f64>> = (0..map.channels).map(channel).collect();
        let score = |patch: usize| {
            head.weights.iter().zip(&pooled).map(|(&w, cells)| f64::from(w) * cells[patch]).sum::<f64>()
                + f64::from(head.bias)
        };
        (0..map.height * map.width).map(|patch| sigmoid(score(patch))).collect()
    }

    #[test]
    fn importance_by_hand() {
        // 2 x 3 patches of 2 channels; weights (1, -1) give the scores
        //   3-1 =  2   1-1 = 0   0-4 = -4
        //   0-2 = -2   5-1 = 4   6-0 =  6
        // Pools of 3 x 3, cells inside alone: the columns 0-1, 0-2 and 1-2 of both rows.
        //   (2+0-2+4)/4 = 1   (2+0-4-2+4+6)/6 = 1   (0-4+4+6)/4 = 1.5
        // With a bias of -1 the scores are 0, 0, .5 in both rows; sigmoid(0) = .5, sigmoid(.5) = .622459.
        let values = [3.0, 1.0, 1.0, 1.0, 0.0, 4.0, 0.0, 2.0, 5.0, 1.0, 6.0, 0.0];
        let map = FeatureMap::new(2, 3, 2, &values).unwrap();
        assert_eq!((map.height(), map.width(), map.channels()), (2, 3, 2));
        let m = SpatialHead::new(3, vec![1.0, -1.0], -1.0).unwrap().importance(&map).unwrap();
        let row = [0.5, 0.5, 0.622_459_3];
        assert_eq!(m.len(), 6);
        assert!(m.iter().zip(row.iter().chain(&row)).all(|(m, want)| (m - want).abs() < 1e-6), "{m:?}");
        // Two of three patches lie below .6: rho = 4/6.
        assert_eq!(sparsity(&m, 0.6), 4.0 / 6.0);
    }

    #[test]
    fn a_pool_of_one_is_no_pool_and_a_huge_one_the_mean() {
        // sigmoid(ln 3) = 3/4 and sigmoid(-ln 3) = 1/4; their mean score is 0, so 1/2.
        let ln3 = libm::logf(3.0);
        let values = [ln3, -ln3];
        let map = FeatureMap::new(1, 2, 1, &values).unwrap();
        let importance = |pool| SpatialHead::new(pool, vec![1.0], 0.0).unwrap().importance(&map).unwrap();
        assert!(importance(1).iter().zip([0.75, 0.25]).all(|(m, want)| (m - want).abs() < 1e-6));
        assert_eq!(importance(usize::MAX), [0.5, 0.5]);
    }

    #[test]
    fn sparsity_is_strict_and_of_an_empty_map_zero() {
        // Of .1, .3, .3, .9 only .1 is strictly below .3, in f32 as in f64: 1/4.
        assert_eq!(sparsity(&[0.1, 0.3, 0.3, 0.9], 0.3), 0.25);
        assert_eq!(sparsity(&[0.7], 0.7), 0.0);
        assert_eq!(sparsity(&[], 0.3), 0.0);
        assert_eq!(sparsity(&[f32::NAN, 0.1], 0.3), 0.5);
        assert_eq!(sparsity(&[0.1], f64::NAN), 0.0);
    }

    #[test]
    fn kept_patches_by_hand() {
        let m = [0.2, 0.9, 0.5, 0.9, 0.5];
        // ceil(.5 * 5) = 3: both .9 and the earlier .5.
        assert_eq!(kept_patches(&m, 0.5), [1, 2, 3]);
        assert_eq!(kept_patches(&m, 0.2), [1]);
        assert_eq!(kept_patches(&m, 0.0), [1]);
        assert_eq!(kept_patches(&m, f64::NAN), [1]);
        assert_eq!(kept_patches(&m, f64::INFINITY), [0, 1, 2, 3, 4]);
        assert_eq!(kept_patches(&[-0.0, 0.0], 0.5), [0]);
        assert_eq!(kept_patches(&[f32::NAN, -f32::NAN, 0.1], 0.5), [0, 2]);
        assert!(kept_patches(&[], 1.0).is_empty());
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        let message = |error: TensorError| error.to_string();
        let values = [0.0; 11];
        let short = FeatureMap::new(2, 3, 2, &values).unwrap_err();
        assert_eq!(message(short), "values of the feature map: 12 expected, 11 came");
        let huge = FeatureMap::new(usize::MAX, 2, 1, &values).unwrap_err();
        assert_eq!(message(huge), "values of the feature map: the product of the dimensions is too large");
        let nan = FeatureMap::new(1, 2, 1, &[0.0, f32::NAN]).unwrap_err();
        assert_eq!(message(nan), "values of the feature map: a finite number expected at index 1");
        let head = |pool, weights: &[f32], bias| SpatialHead::new(pool, weights.to_vec(), bias);
        let even = head(2, &[1.0], 0.0).unwrap_err();
        assert_eq!(message(even), "side of the pool: an odd number expected, 2 came");
        assert_eq!(head(0, &[1.0], 0.0), Err(TensorError::EvenPool { came: 0 }));
        let none = head(3, &[], 0.0).unwrap_err();
        assert_eq!(message(none), "weights of the spatial head: at least 1 expected, 0 came");
        assert!(matches!(head(3, &[f32::INFINITY], 0.0), Err(TensorError::NotFinite { index: 0, .. })));
        assert!(matches!(head(3, &[1.0], f32::NAN), Err(TensorError::NotFinite { .. })));
        let map = FeatureMap::new(1, 2, 1, &[0.0, 1.0]).unwrap();
        let channels = head(3, &[1.0, 1.0, 1.0], 0.0).unwrap().importance(&map).unwrap_err();
        assert_eq!(message(channels), "channels of the feature map: 3 expected, 1 came");
    }

    #[test]
    fn maps_without_patches_or_channels() {
        let head = SpatialHead::new(3, vec![1.0], 0.0).unwrap();
        assert_eq!(head.importance(&FeatureMap::new(0, 5, 1, &[]).unwrap()), Ok(vec![]));
        assert_eq!(head.importance(&FeatureMap::new(5, 0, 1, &[]).unwrap()), Ok(vec![]));
        assert!(head.importance(&FeatureMap::new(usize::MAX, 1, 0, &[]).unwrap()).is_err());
    }

    #[test]
    fn a_head_is_read_and_checked() {
        let head: SpatialHead = toml::from_str("weights = [1.0, -0.5]\nbias = 0.25").unwrap();
        assert_eq!(head, SpatialHead::new(3, vec![1.0, -0.5], 0.25).unwrap());
        assert_eq!(toml::from_str::<SpatialHead>(&toml::to_string(&head).unwrap()).unwrap(), head);
        let refusal = |text| toml::from_str::<SpatialHead>(text).unwrap_err().to_string();
        assert!(refusal("pool = 4\nweights = [1.0]\nbias = 0.0").contains("an odd number expected, 4 came"));
        assert!(refusal("weights = [1.0]\nbias = 0.0\nstride = 1").contains("stride"));
    }

    /// Sides, channels, the values of a map, and the weights of a head.
    fn map_and_head() -> impl Strategy<Value = (usize, usize, usize, Vec<f32>, Vec<f32>)> {
        (1usize..7, 1usize..7, 1usize..5).prop_flat_map(|(height, width, channels)| {
            let values = prop::collection::vec(-4.0f32..4.0, height * width * channels);
            let weights = prop::collection::vec(-2.0f32..2.0, channels);
            (Just(height), Just(width), Just(channels), values, weights)
        })
    }

    proptest! {
        #[test]
        fn pool_and_convolution_commute(
            (height, width, channels, values, weights) in map_and_head(), radius in 0usize..4, bias in -2.0f32..2.0
        ) {
            let map = FeatureMap::new(height, width, channels, &values).unwrap();
            let head = SpatialHead::new(2 * radius + 1, weights, bias).unwrap();
            let ours = head.importance(&map).unwrap();
            let written = pool_first(&head, &map);
            prop_assert_eq!(ours.len(), written.len());
            for (ours, written) in ours.iter().zip(&written) {
                // f32 holds a number of at most 1 to 2^-25.
                prop_assert!((f64::from(*ours) - written).abs() < 1e-7);
                prop_assert!((0.0..=1.0).contains(ours));
            }
        }

        #[test]
        fn a_map_of_equal_patches_is_not_changed_by_the_pool(
            value in -4.0f32..4.0, height in 1usize..7, width in 1usize..7, radius in 0usize..4
        ) {
            let values = vec![value; height * width];
            let map = FeatureMap::new(height, width, 1, &values).unwrap();
            let m = SpatialHead::new(2 * radius + 1, vec![1.0], 0.0).unwrap().importance(&map).unwrap();
            let want = sigmoid(f64::from(value));
            prop_assert!(m.iter().all(|&m| (f64::from(m) - want).abs() < 1e-7));
        }

        #[test]
        fn any_finite_tensor_has_an_importance(
            values in prop::collection::vec(prop::num::f32::ANY, 6), weight in prop::num::f32::ANY
        ) {
            let map = FeatureMap::new(2, 3, 1, &values);
            let head = SpatialHead::new(3, vec![weight], 0.0);
            prop_assert_eq!(map.is_ok(), values.iter().all(|v| v.is_finite()));
            if let (Ok(map), Ok(head)) = (map, head) {
                prop_assert!(head.importance(&map).unwrap().iter().all(|m| (0.0..=1.0).contains(m)));
            }
        }

        #[test]
        fn a_higher_threshold_is_never_less_sparse(
            m in prop::collection::vec(0.0f32..1.0, 0..40), tau in 0.0f64..1.0, step in 0.0f64..0.5
        ) {
            let rho = sparsity(&m, tau);
            prop_assert!((0.0..=1.0).contains(&rho));
            prop_assert!(sparsity(&m, tau + step) >= rho);
        }

        #[test]
        fn the_kept_are_the_most_important(
            m in prop::collection::vec(0u8..6, 1..40), retention in 0.0f64..=1.0
        ) {
            let m: Vec<f32> = m.into_iter().map(f32::from).collect();
            let kept = kept_patches(&m, retention);
            prop_assert_eq!(kept.len(), ((m.len() as f64 * retention).ceil() as usize).max(1));
            prop_assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
            for dropped in (0..m.len()).filter(|patch| !kept.contains(patch)) {
                prop_assert!(kept.iter().all(|&k| m[k] > m[dropped] || (m[k] == m[dropped] && k < dropped)));
            }
        }
    }
}

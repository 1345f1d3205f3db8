//! The policy that others are held to, and the accuracy that one may lose to stand in for it.

/// The label of the policy that others are compared with, if the folder has it.
pub(crate) const REFERENCE: &str = "cloud_only";

/// A policy that loses no more of the reference's accuracy, in points, stands in for it.
pub(crate) const AS_ACCURATE: f64 = 3.0;

/// The place of the reference among policies: the first one where it was not run.
pub(crate) fn reference(policies: &[String]) -> usize {
    policies.iter().position(|policy| policy == REFERENCE).unwrap_or(0)
}

/// True if a policy stands in for a reference of this accuracy; where that is not known, all do.
pub(crate) fn is_as_accurate(own: Option<f64>, reference: Option<f64>) -> bool {
    reference.is_none_or(|reference| own.is_some_and(|own| own >= reference - AS_ACCURATE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_itself_is_as_accurate() {
        let of = |own| is_as_accurate(own, Some(77.0));
        assert_eq!([of(Some(74.0)), of(Some(73.9)), of(None), is_as_accurate(None, None)], [true, false, false, true]);
    }

    #[test]
    fn without_the_reference_the_first_policy_stands_for_it() {
        let place = |policies: &[&str]| reference(&policies.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!([place(&["msao", REFERENCE]), place(&["msao", "perllm"])], [1, 0]);
    }
}

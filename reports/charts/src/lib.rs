//! Apache ECharts, the chart library of pages, as the text of its script: pinned, bundled when this is compiled, with the notice
//! of its licence at its head. It is a package of its own because it is found by a build script; nothing is drawn here.

/// The library's name, for readers of a page.
pub const NAME: &str = "Apache ECharts 5.5.1";

/// Its script.
pub const SCRIPT: &str = include_str!(env!("ECHARTS"));

/// The SHA-256 of [`SCRIPT`] in base 64, as a Content-Security-Policy names what may run.
pub const SHA256_BASE64: &str = env!("ECHARTS_SHA256_BASE64");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_may_stand_in_a_page() {
        assert!(SCRIPT.contains("Licensed to the Apache Software Foundation"), "its licence goes with it");
        assert!(SCRIPT.contains("version=\"5.5.1\"") && NAME.ends_with("5.5.1"));
        let lower = SCRIPT.to_ascii_lowercase();
        assert!(!lower.contains("</script") && !lower.contains("<!--"), "a page would end it there");
    }
}

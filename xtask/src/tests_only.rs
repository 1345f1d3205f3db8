//! Code that only tests compile: `#[test]` and every `#[cfg(..)]` that holds in tests alone.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// True if one of the attributes leaves the item out of every build but that of tests.
pub fn is_tests_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path.is_ident("cfg") {
            attribute.parse_args().is_ok_and(|meta| needs_test(&meta))
        } else {
            path.is_ident("test")
        }
    })
}

fn needs_test(condition: &Meta) -> bool {
    let Meta::List(list) = condition else {
        return condition.path().is_ident("test");
    };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let Ok(parts) = parts else {
        return false;
    };
    match list.path.get_ident().map(ToString::to_string).as_deref() {
        Some("all") => parts.iter().any(needs_test),
        Some("any") => parts.iter().all(needs_test),
        _ => false,
    }
}

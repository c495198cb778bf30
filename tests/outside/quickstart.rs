//! The README's first command.

use crate::kit::{carnet, run};

#[test]
fn the_quickstart_walks_through_all_steps_within_a_hundred_columns() {
    let told = run(&mut carnet(&["quickstart"]));
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
    for shown in [
        "AADSTS500011",
        "AADSTS65001",
        "AADSTS7000218",
        "AADSTS50076",
        "ServicePrincipalNotRegistered",
        "contoso_base",
    ] {
        assert!(told.out.contains(shown), "{shown} is not in\n{}", told.out);
    }
    assert_eq!(told.out.matches("2 items: contoso_base, contoso_travel").count(), 3);
    let wide: Vec<&str> = told.out.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(wide.is_empty(), "{wide:?}");
    assert!(!told.out.contains('\u{1b}'), "colours went into a pipe");
    assert!(!told.out.contains("eyJ"), "a token was shown");
}

#[test]
fn with_colours_forced_the_same_words_are_there() {
    let told = run(carnet(&["quickstart"]).env("CLICOLOR_FORCE", "1"));
    assert_eq!(told.code, Some(0));
    assert!(told.out.contains('\u{1b}') && told.out.contains("AADSTS65001"));
}

#[test]
fn an_unknown_flag_is_asked_wrongly() {
    assert_eq!(run(&mut carnet(&["quickstart", "--fast"])).code, Some(2));
}

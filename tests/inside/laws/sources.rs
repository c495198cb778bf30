//! Where attempts come from: limits of one source over all accounts, known sources, and counters that are kept apart
//! by what they count.

use super::{Kept, NOW, attempts::record, law};
use carnet_store::{AttemptCounter, Settle, Store, engine::Sql};
use carnet_tenant::{
    lockout::{Attempt, AttemptPurpose, SOURCE_WINDOW},
    token::Effect,
};
use carnet_wire::{ids::TenantId, secret::Password, time::Timestamp};
use std::net::IpAddr;
use uuid::Uuid;

const DAY: i64 = 24 * 3600;
const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "192.0.2.2";
const ALL: [AttemptPurpose; 4] = [
    AttemptPurpose::Password,
    AttemptPurpose::SecondFactor,
    AttemptPurpose::UserCodeFromSource,
    AttemptPurpose::UserCodeAtTenant,
];

fn counter(purpose: AttemptPurpose, key: &str) -> AttemptCounter<'_> {
    AttemptCounter { tenant: TenantId::new(Uuid::from_u128(1)), purpose, key }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

async fn count(store: &Store, counter: &AttemptCounter<'_>, guess: &str, from: (&str, Timestamp)) -> Attempt {
    let guess = Password::new(guess.to_owned());
    store.reserve(counter, &guess, (address(from.0), from.1)).await.unwrap().0
}

/// A guess at a password.
async fn guess(store: &Store, user: &str, password: &str, from: (&str, Timestamp)) -> Attempt {
    count(store, &counter(AttemptPurpose::Password, user), password, from).await
}

/// A password was right.
async fn signed_in(store: &Store, user: &str, from: (&str, Timestamp)) {
    let mut record = record([0; 4], from.1);
    (record.address, record.user_name) = (address(from.0), user.to_owned());
    store.settle(Settle { effects: &[Effect::ClearAttempts], record: &record, refresh: None }).await.unwrap();
}

/// Fifty wrong passwords at as many accounts.
async fn spray(store: &Store, from: (&str, Timestamp)) {
    for n in 0..50 {
        assert_eq!(guess(store, &format!("user{n}"), "Spring-2027", from).await, Attempt::Reserved(1), "{n}");
    }
}

law! {
    async fn one_password_at_many_accounts_is_evaluated_fifty_times_rows_84_and_147(kept) {
    let store = &kept.store;
    kept.contoso().await;
    let tries = (0..70).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { guess(&store, &format!("user{n}"), "Spring-2027", (HERE, NOW)).await })
    });
    let mut evaluated = 0;
    for told in tries.collect::<Vec<_>>() {
        let told = told.await.unwrap();
        evaluated += usize::from(told.evaluates());
        assert!(told.evaluates() || told == Attempt::SourceLimited, "{told:?}");
    }
    assert_eq!(evaluated, 50);
    // Nobody is locked by what was not evaluated.
    for n in 0..30 {
        assert_eq!(guess(store, "victim", &format!("guess{n}"), (HERE, NOW)).await, Attempt::SourceLimited);
    }
    assert_eq!(guess(store, "victim", "other", (ELSEWHERE, NOW)).await, Attempt::Reserved(1));
    // The limit holds until its window ends, however often it is tried.
    let window = SOURCE_WINDOW;
    let end = NOW.plus_seconds(window);
    assert_eq!(guess(store, "user90", "a", (HERE, end.plus_seconds(-1))).await, Attempt::SourceLimited);
    assert_eq!(guess(store, "user90", "a", (HERE, end)).await, Attempt::Reserved(1));
}
}

law! {
    async fn known_sources_of_an_account_are_not_limited_for_it_row_147(kept) {
    let store = &kept.store;
    kept.contoso().await;
    signed_in(store, "owner", (HERE, NOW)).await;
    spray(store, (HERE, NOW)).await;
    assert_eq!(guess(store, "owner", "right", (HERE, NOW)).await, Attempt::Reserved(1));
    assert_eq!(guess(store, "other", "right", (HERE, NOW)).await, Attempt::SourceLimited);
    // A success here opens nothing else.
    signed_in(store, "owner", (HERE, NOW)).await;
    assert_eq!(guess(store, "other", "right", (HERE, NOW)).await, Attempt::SourceLimited);
    // Nor do the owner's own mistakes count against the source.
    for n in 0..9 {
        assert!(guess(store, "owner", &format!("wrong{n}"), (ELSEWHERE, NOW)).await.evaluates());
    }
}
}

law! {
    async fn what_was_right_is_taken_back_once_and_no_more_row_147(kept) {
    let store = &kept.store;
    kept.contoso().await;
    for n in 0..49 {
        assert!(guess(store, &format!("user{n}"), "a", (HERE, NOW)).await.evaluates());
    }
    // The fiftieth is right, and known from now on.
    assert_eq!(guess(store, "owner", "right", (HERE, NOW)).await, Attempt::Reserved(1));
    for _ in 0..3 {
        signed_in(store, "owner", (HERE, NOW)).await;
        assert!(guess(store, "owner", "right", (HERE, NOW)).await.evaluates());
    }
    assert!(guess(store, "user50", "a", (HERE, NOW)).await.evaluates());
    assert_eq!(guess(store, "user51", "a", (HERE, NOW)).await, Attempt::SourceLimited);
}
}

law! {
    async fn the_same_wrong_password_and_a_locked_account_do_not_limit_the_source_rows_86_and_147(kept) {
    let store = &kept.store;
    kept.contoso().await;
    for _ in 0..60 {
        assert!(guess(store, "ada", "old", (HERE, NOW)).await.evaluates());
    }
    for n in 0..60 {
        let told = guess(store, "ada", &format!("guess{n}"), (HERE, NOW)).await;
        assert!(told.evaluates() || matches!(told, Attempt::Locked(_)), "{n} {told:?}");
    }
    assert_eq!(guess(store, "bob", "a", (HERE, NOW)).await, Attempt::Reserved(1));
}
}

law! {
    async fn an_ipv6_network_is_one_source_rows_147_and_156(kept) {
    let store = &kept.store;
    kept.contoso().await;
    for n in 0..50 {
        let address = format!("2001:db8:1:2::{n:x}");
        assert!(guess(store, &format!("user{n}"), "a", (&address, NOW)).await.evaluates());
    }
    let told = guess(store, "user90", "a", ("2001:db8:1:2:ffff::1", NOW)).await;
    assert_eq!(told, Attempt::SourceLimited);
    assert_eq!(guess(store, "user90", "a", ("2001:db8:1:3::1", NOW)).await, Attempt::Reserved(1));
    // And one known source.
    signed_in(store, "owner", ("2001:db8:1:4::1", NOW)).await;
    for n in 0..10 {
        assert!(guess(store, "owner", &format!("guess{n}"), (HERE, NOW)).await.evaluates());
    }
    assert!(guess(store, "owner", "right", ("2001:db8:1:4:5::6", NOW)).await.evaluates());
    assert!(!guess(store, "owner", "right", ("2001:db8:1:5::1", NOW)).await.evaluates());
}
}

law! {
    async fn counters_of_two_purposes_never_meet_row_146(kept) {
    let store = &kept.store;
    kept.contoso().await;
    // Under the same key, and under the names that counters had once.
    let once = ["second factor of ada", "user code from 192.0.2.1", "user code 3 at 2000000", "3 at 2000000"];
    for key in ["ada"].iter().chain(&once) {
        for n in 0..11 {
            guess(store, key, &format!("guess{n}"), (HERE, NOW)).await;
        }
        assert!(!guess(store, key, "right", (HERE, NOW)).await.evaluates(), "{key}");
    }
    for key in ["ada", "192.0.2.1", "3 at 2000000"] {
        for purpose in &ALL[1..] {
            let told = count(store, &counter(*purpose, key), "right", (HERE, NOW)).await;
            assert_eq!(told, Attempt::Reserved(1), "{purpose:?} {key}");
        }
    }
    // The other way round, a second factor that is locked leaves the password open.
    for n in 0..11 {
        count(store, &counter(AttemptPurpose::SecondFactor, "bob"), &format!("{n}"), (HERE, NOW)).await;
    }
    assert!(!count(store, &counter(AttemptPurpose::SecondFactor, "bob"), "1", (HERE, NOW)).await.evaluates());
    assert_eq!(guess(store, "bob", "right", (ELSEWHERE, NOW)).await, Attempt::Reserved(1));
}
}

law! {
    async fn unlocking_a_person_opens_password_and_second_factor_for_every_source_row_146(kept) {
    let store = &kept.store;
    kept.contoso().await;
    signed_in(store, "ada", (HERE, NOW)).await;
    let people = [AttemptPurpose::Password, AttemptPurpose::SecondFactor];
    let told = async |user: &str, purpose| {
        let mut all = Vec::new();
        for from in [HERE, ELSEWHERE] {
            all.push(count(store, &counter(purpose, user), "right", (from, NOW)).await.evaluates());
        }
        all
    };
    for user in ["ada", "bob"] {
        for purpose in people {
            for n in 0..22 {
                let from = [HERE, ELSEWHERE][n % 2];
                count(store, &counter(purpose, user), &format!("guess{n}"), (from, NOW)).await;
            }
            assert_eq!(told(user, purpose).await, [false, false], "{user} {purpose:?}");
        }
    }
    store.unlock(TenantId::new(Uuid::from_u128(1)), "ada").await.unwrap();
    for purpose in people {
        assert_eq!(told("ada", purpose).await, [true, true], "{purpose:?}");
        assert_eq!(told("bob", purpose).await, [false, false], "{purpose:?}");
    }
}
}

law! {
    async fn a_source_that_was_not_seen_for_long_is_known_no_more_row_148(kept) {
    const KNOWN: Sql = "select count(*) from known_source";
    let store = &kept.store;
    kept.contoso().await;
    let rows = async || kept.engine().await.read(KNOWN, vec![]).await.unwrap()[0].int(0);
    signed_in(store, "ada", (HERE, NOW)).await;
    signed_in(store, "bob", (HERE, NOW)).await;
    // Seen again on a later day, by one of them.
    signed_in(store, "ada", (HERE, NOW.plus_seconds(100 * DAY))).await;
    let at = async |user: &str, days: i64| {
        let now = NOW.plus_seconds(days * DAY);
        for n in 0..10 {
            guess(store, user, &format!("guess{n} of {days}"), (ELSEWHERE, now)).await;
        }
        guess(store, user, "right", (HERE, now)).await.evaluates()
    };
    assert!(at("bob", 179).await && at("ada", 179).await);
    // Without the janitor too.
    assert!(!at("bob", 181).await);
    assert!(at("ada", 181).await && at("ada", 279).await);
    store.tidy(NOW.plus_seconds(181 * DAY)).await.unwrap();
    assert_eq!(rows().await, 1);
    assert!(!at("ada", 281).await);
    store.tidy(NOW.plus_seconds(281 * DAY)).await.unwrap();
    assert_eq!(rows().await, 0);
}
}

law! {
    async fn a_source_is_seen_again_once_a_day_at_most_row_148(kept) {
    const SEEN: Sql = "select seen_at from known_source";
    let store = &kept.store;
    kept.contoso().await;
    let seen = async |seconds: i64| {
        signed_in(store, "ada", (HERE, NOW.plus_seconds(seconds))).await;
        kept.engine().await.read(SEEN, vec![]).await.unwrap()[0].int(0) - NOW.millis()
    };
    assert_eq!((seen(0).await, seen(DAY - 1).await, seen(DAY + 1).await), (0, 0, (DAY + 1) * 1000));
    // A clock that went back takes nothing away.
    assert_eq!(seen(5).await, (DAY + 1) * 1000);
}
}

law! {
    async fn limits_of_sources_end_with_their_window_in_the_table_too_row_147(kept) {
    const ROWS: Sql = "select count(*) from source_failure";
    let store = &kept.store;
    kept.contoso().await;
    spray(store, (HERE, NOW)).await;
    let rows = async |seconds: i64| {
        store.tidy(NOW.plus_seconds(seconds)).await.unwrap();
        kept.engine().await.read(ROWS, vec![]).await.unwrap()[0].int(0)
    };
    assert_eq!((rows(SOURCE_WINDOW - 1).await, rows(SOURCE_WINDOW).await), (1, 0));
}
}

//! Microsoft Graph behind the router: what the article's steps change, and who may.

mod applications;
mod callers;
mod consent;
mod cross_origin;
mod groups;
mod people;
mod seeded;
mod sign_in;
mod user_writes;

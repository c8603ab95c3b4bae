//! The state machine against a plain model: the same members give the same bits, whatever the
//! commands and their order.
//!
//! `map_store` keeps items and memberships in maps, `machine` runs commands on them as an engine
//! would, `members` ranks with members that are read from there, `audit` rebuilds everything from
//! scratch, `model` is the oracle, `strategies` generates commands that are valid, in conflict or
//! refer to missing keys. The other modules are tests, one idea each. `PROPTEST_CASES` sets the
//! number of cases.

mod audit;
mod machine;
mod map_store;
mod members;
mod model;
mod strategies;

mod agrees_with_model;
mod composites;
mod confidence;
mod detours;
mod groups;
mod long_categories;
mod many_members;
mod overflow;
mod permanent;
mod recovery;
mod reranked;
mod subtle_spots;
mod undo;
mod worked_example;

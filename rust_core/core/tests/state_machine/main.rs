//! The state machine against a plain model: whatever comes in whatever order, the same members
//! give the same bits.
//!
//! `map_store` keeps items and memberships in maps, `machine` runs commands on them as an engine
//! would, `audit` builds everything again from scratch, `model` is the oracle, `strategies` makes
//! commands that agree, contradict each other and name what is not there. The other modules are
//! tests, one idea each. `PROPTEST_CASES` asks for more of them.

mod audit;
mod machine;
mod map_store;
mod model;
mod strategies;

mod agrees_with_model;
mod detours;
mod groups;
mod long_categories;
mod overflow;
mod permanent;
mod recovery;
mod subtle_spots;
mod worked_example;

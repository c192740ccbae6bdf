//! What any store must do, as a list of cases over a [`Home`]: the contract of [`Store`], run.
//!
//! A store says `conformance_tests!(|| home)` and gets one test per case; one that only one process opens says
//! `conformance_alone_tests!(|| home)` too.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "these are tests that other crates run"
)]

mod draft;
mod home;
mod witness;

use crate::Store;

pub use draft::{attestation, genesis, journal_id, recovered, stream};
pub use home::{Home, TestClock};
pub use witness::{Witness, export};

/// The seed of the log key of every journal here.
pub const SEED: journal::key::Seed = [7; 32];

/// Declares the cases, and a macro that makes tests of them.
macro_rules! cases {
    ($d:tt $tests:ident $($module:ident { $($case:ident)* })*) => {
        $(pub mod $module;)*

        /// Makes one test of each case, over homes that an expression makes.
        #[macro_export]
        macro_rules! $tests {
            ($d home:expr) => {
                $($(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        let home = $d home;
                        $d crate::conformance::$module::$case(&home()).await;
                    }
                )*)*
            };
        }
    };
}
cases! { $ conformance_tests
    appending {
        a_new_journal_begins_with_its_genesis
        concurrent_appends_to_the_same_streams_leave_neither_gap_nor_fork
        drafts_of_one_batch_follow_each_other
        a_batch_of_which_one_draft_is_bad_leaves_nothing
        a_batch_over_the_limit_is_refused_and_told_what_fits
        an_expectation_that_does_not_hold_writes_nothing
        an_expectation_in_a_foreign_stream_is_refused
        an_empty_batch_is_no_write
    }
    repeating {
        a_replayed_draft_returns_the_first_receipt
        a_replayed_draft_returns_the_first_receipt_after_a_restart
        a_key_with_other_content_is_a_conflict
        a_batch_appends_what_is_new_and_returns_what_is_known
        a_key_twice_in_one_batch_is_one_entry
        callers_who_repeat_each_other_get_one_entry
        what_a_key_was_used_for_is_found_without_its_draft
    }
    bulk {
        an_upload_becomes_a_large_payload_that_is_read_in_parts
        an_upload_under_two_salts_is_two_payloads
        a_payload_is_large_by_its_size_alone
    }
    reading {
        what_is_absent_is_empty
        a_range_is_read_both_ways
        payloads_are_found_by_their_digests
        entries_are_found_by_hash_and_by_index
        as_of_finds_the_last_entry_recorded_by_then
        streams_are_listed_by_prefix_page_by_page
        heads_are_known_for_every_size_of_the_log
    }
    proving {
        every_receipt_verifies_and_so_does_the_whole_journal
        every_older_log_is_proved_to_be_continued
        tiles_hold_the_hashes_of_the_tree
        heads_entries_say_what_the_verifier_finds
    }
    opening {
        a_restart_continues_where_it_was
        a_home_without_a_journal_is_not_opened
        a_journal_is_not_created_twice
        another_journal_is_refused_untouched
        a_newer_format_is_refused_untouched
    }
    losing {
        an_old_copy_put_back_is_read_only_until_recovered
        a_checkpoint_outside_that_another_wrote_ends_writing
        a_checkpoint_outside_that_is_damaged_ends_writing
        a_store_whose_checkpoint_outside_is_missing_says_so
        only_a_recovered_entry_recovers
    }
    timing {
        time_never_goes_back_in_a_stream
        a_clock_that_jumps_forward_stops_writing
        a_clock_that_jumps_back_stops_writing
        a_clock_behind_a_head_stops_writing_to_its_stream_only
        only_a_clock_corrected_entry_lets_time_go_back
    }
}

// For a store that only one process opens.
cases! { $ conformance_alone_tests
    alone {
        a_store_is_opened_once_at_a_time
        two_copies_started_at_once_do_not_both_write
    }
}

/// Appends drafts that must be accepted.
pub(crate) async fn append(store: &dyn Store, drafts: Vec<journal::Draft>) -> Vec<crate::Appended> {
    store.append(drafts).await.expect("the store appends")
}

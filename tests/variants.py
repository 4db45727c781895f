"""Which schemes stand for others in the batteries over the catalogue; for the others these carry the marker `slow`.

VARIANTS, as libraries have them, and what takes long: slow in every battery but in their rows beside the libraries.
REPRESENTATIVES: one for every mechanism of the language and of the engine; the batteries of LONG run for them alone.
"""

VARIANTS = frozenset((
    "a2grad", "accsgd", "acprop", "adabelief-bias-corrected", "adabelief-outside", "adabound", "adafactor", "adafactor-constant",
    "adafactor-momentum", "adafactor-unscaled", "adagrad-lr-decay", "adagrad-torch", "adai-bias-corrected",
    "adam-eps-hat", "adamax-bias-corrected", "adamax-outside", "adamaxw", "adamod",
    "adams", "adamuon", "adamw-schedule", "adamwsn", "adan-bias-corrected", "adan-optax", "adanorm", "adapnm",
    "adaptive-gradient-clipping", "adasmooth", "ademamix-bias-corrected", "adopt", "amsgrad-bias-corrected", "asgd",
    "avagrad", "bcos", "bcos-m", "came", "came-vector", "cautious-adamw", "dadapt-sgd", "dog", "dowg", "dual-adam",
    "dual-averaging", "exadam", "fadam", "fromage", "ftrl", "gd-clipped-value", "grams", "kate", "lamb-eps", "laprop",
    "lars-optax", "lion-sign", "lion-tanh", "madgrad", "mars", "mars-lion", "momentum-weight-decay-schedule", "momo", "momo-adam",
    "msvag", "nadam-momentum-decay", "nadamw", "normuon", "optimistic-adam", "optimistic-nadam", "padam", "pid", "pnm",
    "polyak-step-bounded",
    "qhadam-bias-corrected", "racs", "radam", "radam-torch", "rmsprop-centred-outside", "rmsprop-inside-momentum",
    "schedule-free", "schedule-free-adamw",
    "schedule-free-adamw-bias-corrected", "scion-rms", "signum-sign", "simplified-ademamix",
    "simplified-ademamix-ema", "sm3", "stable-adamw", "weight-average", "weight-ema",
))  # fmt: skip

REPRESENTATIVES = frozenset((
    "adadelta", "adagrad", "adam", "adam-bias-corrected", "adamax", "bdf2", "conjugate-gradients", "exponentiated-gradient",
    "extragradient", "game-alternating", "gd", "gd-clipped-norm", "gd-schedule", "gradient-penalty", "implicit-midpoint",
    "langevin", "lion", "local-gd", "lookahead", "momentum", "momentum-schedule", "muon", "nesterov", "nesterov-convex",
    "normalised-gd", "ogda", "polyak-step", "rmsprop", "rmsprop-scalar", "sam", "sam-fixed", "sgld", "sign-descent",
    "srmm", "svrg-snapshot", "triple-momentum", "weight-decay",
))  # fmt: skip

#: tests that read several equations of every scheme
LONG = frozenset((
    "test_articles", "test_catalogue_step_is_flow", "test_equations_of_the_catalogue_pickle_and_copy",
    "test_every_conclusion_of_the_catalogue_rests_on_something", "test_every_printed_modified_loss_is_confirmed",
    "test_every_scheme_of_the_catalogue_through_gamma",
    "test_exact_orbits_have_the_derived_field_and_no_changed_coefficient", "test_explain_every_scheme",
    "test_explanations", "test_pages",
    "test_printed_equations_are_what_was_derived", "test_reading",
    "test_signs_are_those_of_parameters_in_their_ranges", "test_words_of_the_report",
))  # fmt: skip

#: batteries of many cases that are alike: one in so many, from the first on, runs with the others
THINNED = {
    "test_a_coefficient_off_by_a_thousandth_breaks_the_slopes": 2,
    "test_a_coefficient_off_by_a_thousandth_is_not_recovered": 3,
    "test_agreement": 2,
    "test_articles": 2,
    "test_ascii_output_shows_what_it_can": 3,
    "test_coefficients_and_relaxation_factors": 2,
    "test_collected_derivatives_are_the_derivatives_one_by_one": 3,
    "test_every_coefficient_counts": 2,
    "test_every_game_has_a_page_whose_slopes_are_the_expected_ones": 2,
    "test_every_name_may_be_any_letter": 2,
    "test_every_reading_notes_a_value_outside_its_range_once": 2,
    "test_every_route_confirms_the_games_of_the_catalogue": 3,
    "test_every_truncation_has_its_slope_to_three_decimals": 3,
    "test_explanations": 2,
    "test_flipping_any_datum_breaks_a_claim_that_is_true": 8,
    "test_flipping_one_datum_makes_a_false_claim_true": 3,
    "test_flow_over_a_period_is_the_exact_map": 3,
    "test_forests_in_several_pieces": 3,
    "test_known_functions": 2,
    "test_no_forgery_is_accepted": 2,
    "test_pages": 2,
    "test_printed_equations_are_what_was_derived": 2,
    "test_printed_update_lines_are_the_program": 2,
    "test_random_schemes_are_proved_and_changed_ones_refuted": 3,
    "test_random_texts_with_layers_are_proved_and_refuted_once_perturbed": 3,
    "test_reading": 3,
    "test_real_settings_are_told_the_truth": 2,
    "test_spectral_radius_on_both_sides_of_each_end": 2,
    "test_the_recorded_verdict_is_reached_again": 8,
    "test_the_truncated_generator_has_the_same_variance_as_far_as_it_goes": 3,
    "test_true_and_false_statements": 3,
    "test_true_certificates_are_proved": 3,
    "test_what_is_right_for_the_first_numbers_only_is_refused": 3,
}

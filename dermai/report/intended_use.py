"""What dermai is for and what it is not for, in the words that every page, label and document uses."""

from __future__ import annotations

from dermai.language.messages import message

INTENDED_USE = message(
    "Sorts referrals with photographs of skin lesions by risk, so that dermatologists read the most urgent first. "
    "For family doctors' practices and the teledermatology service that they send to."
)
NOT_FOR = (
    message(
        "It is not for diagnosing, for deciding on a treatment, or for telling a patient that a lesion is harmless."
    ),
    message("It is not for photographs without a lesion, nor for lesions of hair, nails or mucous membranes."),
)

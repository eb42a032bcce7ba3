"""What programs reach: referrals and quality checks of phones and referral systems, by tokens of practices."""

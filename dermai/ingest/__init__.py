"""From a folder of photographs to rows of the case table: sanitise, pseudonymise, check, split, append."""

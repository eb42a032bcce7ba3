"""What the doctor writes down beside the photograph, as a second opinion that is added to the network's."""

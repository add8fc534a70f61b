"""Networks with what surrounds them: how a picture becomes numbers and how numbers become faces and mask states."""

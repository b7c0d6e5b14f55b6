"""A HiFi-GAN for the model's own mel spectrograms, in parallel_wavegan's format.

``python -m tools.vocoder mels`` lets a trained model say each recording of a set from
its true past, ``python -m tools.vocoder train`` trains on recordings and on these.
Networks and losses are ESPnet's.
"""

"""Opinions of speech, predicted from the signal: DNSMOS, WV-MOS."""

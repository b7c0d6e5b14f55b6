"""SpeechT5, ArTST and STTATTS as other projects write them: read, fitted, exported."""

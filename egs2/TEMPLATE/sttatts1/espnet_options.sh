# What to type here instead of an option of ESPnet's asr.sh or tts.sh.
# shellcheck shell=bash

instead_of() { # instead_of NAME
    case $1 in
        config) echo "say --train_config or --inference_config" ;;
        asr_config | tts_config) echo "say --train_config FILE" ;;
        asr_args | tts_args) echo "say --train_args \"--max_epoch 3\"" ;;
        asr_tag | tts_tag) echo "say --tag NAME" ;;
        asr_exp | tts_exp) echo "say --sttatts_exp FOLDER" ;;
        asr_stats_dir | tts_stats_dir) echo "say --stats_dir FOLDER" ;;
        lm_stats_dir | lm_tag) echo "say --lm_exp FOLDER" ;;
        lm_dev_text | lm_test_text) echo "the texts of --valid_set are taken" ;;
        ngram_exp) echo "say --lm_exp FOLDER" ;;
        use_word_lm | word_vocab_size) echo "language models are over the model's tokens: --use_lm, --use_ngram" ;;
        inference_ngram) echo "say --ngram_num N --lm_exp FOLDER" ;;
        pretrained_model | init_param) echo "say --pretrained FILE_OR_FOLDER" ;;
        ignore_init_mismatch | freeze_param | max_epoch | batch_bins | accum_grad | use_amp | resume | seed)
            echo "say --train_args \"--$1 VALUE\"" ;;
        batch_size | *fold_length | num_splits_*)
            echo "batches are made by their samples: say --train_args \"--batch_bins 3200000\"" ;;
        beam_size | ctc_weight | nbest | threshold | minlenratio | maxlenratio)
            echo "say --inference_args \"--$1 VALUE\"" ;;
        vocoder_file) echo "say --vocoder FILE_OR_FOLDER" ;;
        inference_*_tag) echo "say --inference_tag NAME" ;;
        eval_valid_set) echo "say --test_sets \"valid test\"" ;;
        use_spk_embed | use_xvector | use_sid) echo "voices are embeddings, always: --spk_embed_tool says which" ;;
        xvector_tool | spk_embed_tag | spk_embed_gpu_inference)
            echo "say --spk_embed_tool resemblyzer, speechbrain:DIR_OR_ID or espnet:TAG" ;;
        use_lid) echo "say --train_args \"--model_conf languages=...\"" ;;
        g2p) echo "texts are read as letters or pieces: --token_type char or bpe; --cleaner changes them" ;;
        nlsyms_txt | non_linguistic_symbols)
            echo "symbols such as <noise> become pieces: --token_type bpe --bpemodel FILE of a model that has them" ;;
        oov | blank | sos_eos) echo "the token list has SpeechT5's own: <unk>, <ctc_blank>, </s>" ;;
        srctexts | bpe_train_text) echo "the texts of --train_set and of --phases are taken" ;;
        bpe_*) echo "train a SentencePiece model yourself and say --bpemodel FILE" ;;
        n_fft | n_shift | win_length | fmin | fmax | n_mels | feats_extract | feats_normalize)
            echo "the mel spectrogram is the model's: --train_args \"--model_conf audio.n_mels=80\"" ;;
        trim_all_silence | local_score_opts)
            echo "no such option; it is for local/data.sh to do: --local_data_opts" ;;
        skip_upload) echo "say --skip_upload_hf" ;;
        *) echo "no such option; see --help" ;;
    esac
}

/** LiteLLM's keys of prices that Purser cannot follow, each with the way to say what they mean. */

import { words } from "./words.ts";

interface UnsupportedPrice {
  readonly cure: string;
  readonly keys: readonly string[];
}

/** Of `litellm_params` and of `model_info`. */
export const UNSUPPORTED_PRICES: readonly UnsupportedPrice[] = [
  {
    cure: "write the lengths below model_info.prices[].tiers; each tier is for the whole call",
    keys: words("tiered_pricing"),
  },
  {
    cure: "price a picture whole, by output_cost_per_image",
    keys: words(`
      input_cost_per_pixel output_cost_per_pixel input_cost_per_image_above_128k_tokens
      output_cost_per_image_premium_image`),
  },
  {
    cure: "price sound by the token, by input_cost_per_audio_token; that is how it is counted",
    keys: words(`
      input_cost_per_audio_per_second input_cost_per_audio_per_second_above_128k_tokens
      input_cost_per_audio_token_priority cache_creation_input_audio_token_cost`),
  },
  {
    cure: "price the text by the token, by output_cost_per_token; that is how it is counted",
    keys: words(`
      output_cost_per_character output_cost_per_character_above_128k_tokens
      input_cost_per_character_above_128k_tokens`),
  },
  {
    cure: "remove it: video in a prompt is counted as input tokens, and none is made",
    keys: words(`
      input_cost_per_video_per_second input_cost_per_video_per_second_above_128k_tokens
      input_cost_per_video_token output_cost_per_video_per_second output_cost_per_video_token`),
  },
  {
    cure: "remove it: citations are counted and billed as output",
    keys: words("citation_cost_per_token"),
  },
  {
    cure: "remove it; what every call costs besides its tokens is input_cost_per_request",
    keys: words(`
      code_interpreter_cost_per_session computer_use_input_cost_per_1k_tokens
      computer_use_output_cost_per_1k_tokens google_maps_grounding_cost_per_query
      annotation_cost_per_page`),
  },
  {
    cure: "write the days below model_info.prices[].from, or the price times it as multiplier",
    keys: words(`
      off_peak_pricing regional_processing_uplift_multiplier_eu
      regional_processing_uplift_multiplier_us`),
  },
];

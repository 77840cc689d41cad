/* SPDX-License-Identifier: Apache-2.0 */
#include "record/json_text.h"

const char *json_text_fault(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a text holds a NUL character (\\u0000), which no text may";
	case json_error_stack_overflow:
		return "it is nested too deep";
	case json_error_numeric_overflow:
		return "a number is too large";
	case json_error_premature_end_of_input:
		return "it ends before it is complete";
	case json_error_end_of_input_expected:
		return "something follows its end";
	case json_error_out_of_memory:
		return "there is not enough memory";
	default:
		return error->text;
	}
}

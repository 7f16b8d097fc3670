// Package chat turns conversations into prompts with the model's own chat template.
package chat

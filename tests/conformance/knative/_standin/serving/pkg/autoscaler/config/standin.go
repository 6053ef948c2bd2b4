package config

// Default is upstream's.
var Default = defaultConfig

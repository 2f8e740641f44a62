"""SavedModels: signatures, the check by the C++ loader, what lies beside a model."""
